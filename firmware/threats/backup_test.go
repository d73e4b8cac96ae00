package threats

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
)

// A telephone that is gone comes back on another one: what it was and knew goes by
// backup and restore through SSH, and then it calls and is called under its number.
func TestBackupOntoAnotherPhone(t *testing.T) {
	t.Parallel()
	dir, phones := crowd(t, 221)
	reception, workshop, spare := phones[0], phones[1], phones[2]
	admin := newKeyring(t)
	for _, p := range phones {
		admin.manages(p, "")
	}
	const passphrase = "correct horse battery staple\n"
	admin.does(workshop, nil, "contacts set 101 --name 'Front desk' --lamp 1")
	if !reaches(t, reception, workshop, "102") {
		t.Fatal("102 is not called at first")
	}
	file := admin.does(workshop, strings.NewReader(passphrase), "backup")
	for _, secret := range []string{"Front desk", "PRIVATE KEY", "office"} {
		if strings.Contains(file, secret) {
			t.Errorf("%q can be read in the backup", secret)
		}
	}

	given := func() io.Reader { return strings.NewReader(passphrase + file) }
	for options, want := range map[string]string{"": "another telephone of this office", " --replace": "is in the ring now"} {
		if _, errOut, status := admin.tries(spare, given(), "restore"+options); status != 1 || !strings.Contains(errOut, want) {
			t.Errorf("restore%s while it lives: %d, %q", options, status, errOut)
		}
	}
	if _, errOut, status := admin.tries(spare, strings.NewReader("wrong horse battery staple\n"+file), "restore --replace"); status != 1 || !strings.Contains(errOut, "wrong passphrase") {
		t.Errorf("%d, %q", status, errOut)
	}

	workshop.stop()
	admin.does(spare, given(), "restore --replace")
	spare.stop()
	spare = start(t, dir, 223, "--peer", reception.ip)
	var st struct{ Extension string }
	if err := json.Unmarshal([]byte(admin.does(spare, nil, "status --json")), &st); err != nil || st.Extension != "102" {
		t.Fatalf("%v, %+v", err, st)
	}
	if !reaches(t, reception, spare, "102") || !reaches(t, spare, reception, "101") {
		t.Error("102 is not itself")
	}
	var contacts []struct {
		Number, Name string
		Lamp         int
	}
	if err := json.Unmarshal([]byte(admin.does(spare, nil, "contacts --json")), &contacts); err != nil {
		t.Fatal(err)
	}
	if len(contacts) != 1 || contacts[0].Name != "Front desk" || contacts[0].Lamp != 1 {
		t.Errorf("%+v", contacts)
	}
	// What it writes from now on is newer than what it wrote before.
	admin.does(spare, nil, "contacts set 101 --name Reception")
	if out := admin.does(spare, nil, "contacts"); !strings.Contains(out, "Reception") || strings.Contains(out, "Front desk") {
		t.Errorf("%s", out)
	}
	if files := finds(t, spare.dir, "PRIVATE KEY"); !slices.Contains(files, "identity.pem.replaced") {
		t.Errorf("the identity that was there is lost: %v", files)
	}
}
