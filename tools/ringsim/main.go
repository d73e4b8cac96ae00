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
	Minutes   float64 `help:"How long churn or partition last." default:"10"`
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
	for _, share := range []float64{f.Kill, f.Partition, f.Loss} {
		if share < 0 || share >= 1 {
			fmt.Fprintln(os.Stderr, "ringsim: --kill, --partition and --loss are shares from 0 to below 1")
			os.Exit(2)
		}
	}
	progress := func(s string) { fmt.Fprintln(os.Stderr, s) }
	if f.Quiet {
		progress = nil
	}
	r := sim.Run(sim.Plan{
		Nodes: f.Nodes, Seed: f.Seed, Lookups: f.Lookups, Kill: f.Kill, Churn: f.Churn, Partition: f.Partition,
		Minutes: f.Minutes, Loss: f.Loss, Delay: time.Duration(f.Delay * float64(time.Millisecond)), Records: f.Records,
	}, progress)
	if f.JSON {
		json.NewEncoder(os.Stdout).Encode(r)
		return
	}
	out, _ := json.MarshalIndent(r, "", "  ")
	fmt.Println(string(out))
}
