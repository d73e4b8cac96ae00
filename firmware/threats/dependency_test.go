package threats

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// T19: the program names every module that it was built from, and each is the one that
// go.sum vouches for.
func TestBillOfMaterials(t *testing.T) {
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "version", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var version struct {
		Modules []struct{ Path, Version, Sum string }
	}
	if err := json.Unmarshal(out, &version); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range version.Modules {
		named[m.Path] = true
		if line := m.Path + " " + m.Version + " " + m.Sum + "\n"; !strings.Contains(string(sums), line) {
			t.Errorf("go.sum has no %q", line)
		}
	}
	for _, path := range []string{"github.com/emiago/sipgo", "github.com/pion/rtp", "go.etcd.io/bbolt"} {
		if !named[path] {
			t.Errorf("%s is not named", path)
		}
	}
}
