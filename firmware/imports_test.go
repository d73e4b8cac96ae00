package firmware

import (
	"os/exec"
	"strings"
	"testing"
)

// forbidden lists the edges that must not exist between packages, each with its
// reason. A name stands for the package and all below it; ! names exceptions.
var forbidden = []struct {
	from, to string
	except   string // importers that may
	why      string
}{
	{"overlay", "sip", "", "the overlay knows no SIP: firmware/usage is the one bridge"},
	{"sip", "overlay", "", "SIP knows no Chord: it asks a location.Service"},
	{"hal", "sip", "", "hardware knows no protocol"},
	{"hal", "overlay", "", "hardware knows no network"},
	{"board", "sip", "", "a board is data"},
	{"board", "overlay", "", "a board is data"},
	{"firmware/phone", "sip", "", "the telephone is a picture and a sound"},
	{"firmware/phone", "overlay", "", "the telephone is a picture and a sound"},
	{"firmware/tone", "sip", "", "a tone is a sound"},
	{"firmware/tone", "overlay", "", "a tone is a sound"},
	{"overlay", "firmware", "", "parts do not know the whole"},
	{"sip", "firmware", "", "parts do not know the whole"},
	{"hal", "firmware", "", "parts do not know the whole"},
	{"board", "firmware", "", "parts do not know the whole"},
	{"storage", "firmware", "", "parts do not know the whole"},
	{"sip", "hal", "", "sound reaches SIP as []int16"},
	{"storage", "sip", "", "storage keeps records, it does not read them"},
	{"storage/fat", "os", "", "a file system is octets, wherever they lie"},
	{"overlay/chord", "overlay/link", "", "the state machine does no I/O"},
	{"overlay/chord", "overlay/node", "", "the state machine does not know its loop"},
	{"overlay/chord", "overlay/reload", "", "the state machine knows no octets"},
	{"overlay/reload", "overlay/chord", "", "the wire format knows no ring"},
	{"firmware/phone", "os", "", "the state machine does no I/O"},
	{"firmware", "firmware/cmd", "", "nothing imports a command"},
	{"tools", "firmware/cmd", "", "nothing imports a command"},

	{".", "periph.io/x", "hal/pins hal/display", "periph stays where the pins are"},
	{"hal/display", "hal/pins", "", "glass and keys do not know each other"},
	{"firmware/phone", "hal/", "", "the telephone knows no hardware, only its words"},
	{"firmware/newcomer", "overlay", "", "a new telephone is keys and a display"},
	{"firmware/newcomer", "os", "", "the state machine does no I/O"},
	{".", "github.com/emiago/sipgo", "sip/ua sip/proxy sip/registrar sip/presence sip/message sip/server sip/auth sip/stack sip/wire sip/siptest", "sipgo's types stay inside sip"},
	{".", "github.com/miekg/dns", "sip/dns", "DNS is the business of one package"},
	{"sip/transaction", "net", "", "the state machines do no I/O"},
	{"sip/wire", "sip/stack", "", "messages know no connections"},
	{"sip/stack", "sip/location", "", "the layers below do not know those above"},
	{"sip/stack", "sip/server", "", "the layers below do not know those above"},
	{"sip/proxy", "sip/server", "", "the server puts the others together"},
	{".", "github.com/vishvananda/netlink", "firmware/floating firmware/appliance/network", "addresses of this machine are changed where they are kept"},
	{".", "github.com/insomniacslk/dhcp", "firmware/appliance/network", "DHCP is the business of the network program"},
	{".", "github.com/mdlayher/wifi", "firmware/appliance/network", "Wi-Fi is the business of the network program"},
	{".", "github.com/beevik/ntp", "firmware/appliance/network", "time servers are the business of the network program"},
	{".", "github.com/diskfs/go-diskfs", "firmware/appliance/disk", "file systems are made in one place"},
	{"firmware/appliance/guard", "os", "", "the state machine does no I/O"},
	{"firmware/appliance/clock/consensus", "os", "", "the state machine does no I/O"},
	{"firmware/appliance/clock/consensus", "net", "", "the state machine does no I/O"},
	{"firmware/appliance/network/lease", "os", "", "the state machine does no I/O"},
	{"firmware/appliance/network/linklocal", "os", "", "the state machine does no I/O"},
	{"firmware/appliance", "overlay/chord", "", "the machine knows no ring"},
	{"firmware/appliance", "sip", "", "the machine knows no calls"},
	{".", "aead.dev/minisign", "firmware/update/release firmware/update/publish", "signatures of releases are checked in one place"},
	{"firmware/update", "sip", "", "an update knows no calls: it is told whether there is one"},
	{"firmware/update/trial", "os", "", "the state machines of an update do no I/O"},
	{"firmware/update/trial", "firmware/update/fetch", "", "what happens on one phone knows no others"},
	{"firmware/update/health", "os", "", "the state machines of an update do no I/O"},
	{"firmware/update/rollout", "net", "", "the state machines of an update do no I/O"},
	{"firmware/update/rollout", "firmware/update/slot", "", "who updates when knows no cards"},
	{".", "github.com/pion/rtp", "sip/media", "RTP is the business of media"},
	{".", "github.com/pion/srtp", "sip/media", "SRTP is the business of media"},
	{".", "go.etcd.io/bbolt", "storage", "bbolt is the business of storage"},
	{".", "golang.org/x/crypto/ssh", "firmware/manage tools", "SSH is the business of the console"},
	{".", "filippo.io/age", "firmware/backup", "how backups are encrypted is known in one place"},
	{"firmware", "net/http", "firmware/metrics", "HTTP is served in one place"},
	{"firmware/dashboard", "firmware/manage", "", "the model does not know its loop"},
	{"firmware/dashboard", "net", "", "the model does no I/O"},
	{"firmware/dashboard", "os", "", "the model does no I/O"},
	{"firmware/metrics", "overlay", "", "figures are gathered elsewhere"},
	{"firmware/metrics", "sip", "", "figures are gathered elsewhere"},
	{".", "github.com/alecthomas/kong", "firmware/config tools", "the command line is read in one place"},
}

// TestImportsFlowOneWay holds the table above against what the packages import
// themselves, tests left out.
func TestImportsFlowOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "chordophone/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := inside(words[0])
		for _, to := range words[1:] {
			seen++
			for _, rule := range forbidden {
				if below(from, rule.from) && below(inside(to), rule.to) && !belowAny(from, rule.except) {
					t.Errorf("%s imports %s: %s", from, to, rule.why)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d imports seen: the test looks at nothing", seen)
	}
}

func inside(path string) string { return strings.TrimPrefix(path, "chordophone/") }

func below(pkg, root string) bool {
	return root == "." || pkg == root || strings.HasPrefix(pkg, root+"/")
}

func belowAny(pkg, roots string) bool {
	for _, root := range strings.Fields(roots) {
		if below(pkg, root) {
			return true
		}
	}
	return false
}
