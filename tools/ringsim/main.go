// Ringsim grows a ring of simulated nodes, which run the same state machine as
// the phones do, lets it suffer, and says how it fared:
//
//	go run ./tools/ringsim --nodes 1000 --kill 0.3 --json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"chordophone/overlay/sim"
)

type flags struct {
	Nodes     int     `help:"Number of nodes." default:"100"`
	Seed      uint64  `help:"The same seed gives the same run." default:"1"`
	Lookups   int     `help:"Number of look-ups." default:"1000"`
	Kill      float64 `help:"Share of the nodes to kill at once after settling."`
	Churn     float64 `help:"Leaves and joins per node and hour."`
	Partition float64 `help:"Share of the nodes to cut off, and to merge again."`
	Minutes   float64 `help:"How long churn, partition or deafness last." default:"10"`
	Malicious float64 `help:"Share of the nodes that turn malicious after settling."`
	Malice    string  `help:"What those do: drop, route, table, stale, refuse or all." enum:"drop,route,table,stale,refuse,all" default:"all"`
	Deaf      float64 `help:"Share of the links that carry nothing one way, in silence, for a while."`
	Silent    float64 `help:"Seconds until those connected notice a death; 0 is a killed process, more is a power cut."`
	Settled   bool    `help:"Make the ring whole at once instead of growing it."`
	Loss      float64 `help:"Share of messages that get lost."`
	Delay     float64 `help:"One-way delay in milliseconds; up to half more at random." default:"1"`
	Records   int     `help:"Records to store; 0 means one per node, 2000 at most."`
	JSON      bool    `help:"Print the result as one JSON object." name:"json"`
	Quiet     bool    `help:"Say nothing on the way." short:"q"`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Description("Simulate a ring of phones."))
	if f.Nodes < 1 || f.Lookups < 1 || f.Delay < 0 {
		fmt.Fprintln(os.Stderr, "ringsim: --nodes and --lookups must be at least 1, --delay not negative")
		os.Exit(2)
	}
	for _, share := range []float64{f.Kill, f.Partition, f.Loss, f.Malicious, f.Deaf} {
		if share < 0 || share >= 1 {
			fmt.Fprintln(os.Stderr, "ringsim: --kill, --partition, --loss, --malicious and --deaf are shares from 0 to below 1")
			os.Exit(2)
		}
	}
	progress := func(s string) { fmt.Fprintln(os.Stderr, s) }
	if f.Quiet {
		progress = nil
	}
	malice, err := sim.ParseMalice(f.Malice)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ringsim:", err)
		os.Exit(2)
	}
	r := sim.Run(sim.Plan{
		Nodes: f.Nodes, Seed: f.Seed, Settled: f.Settled, Lookups: f.Lookups, Kill: f.Kill, Churn: f.Churn, Partition: f.Partition,
		Minutes: f.Minutes, Loss: f.Loss, Delay: time.Duration(f.Delay * float64(time.Millisecond)), Records: f.Records,
		Malicious: f.Malicious, Malice: malice, Deaf: f.Deaf, Silent: time.Duration(f.Silent * float64(time.Second)),
	}, progress)
	if f.JSON {
		json.NewEncoder(os.Stdout).Encode(r)
		return
	}
	out, _ := json.MarshalIndent(r, "", "  ")
	fmt.Println(string(out))
}
