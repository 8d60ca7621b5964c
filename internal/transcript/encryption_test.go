package transcript

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"
)

// An encrypted transcript is read with its secret key only, and only whole.
func TestEncryption(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := func() *age.X25519Identity {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	identity, other := key(), key()
	ownFile, otherFile, noKey := write("own.txt", "# a comment\n"+identity.String()+"\n"), write("other.txt", other.String()), write("none.txt", "hello")
	want := &Transcript{Database: "app", User: "postgres", Start: StartsEmpty, Sessions: []Session{{User: "app"}},
		Events: []Event{{Source: Client, Kind: 'Q', Body: bytes.Repeat([]byte("hidden"), 50_000)}}}
	path := filepath.Join(dir, "w.transcript")
	stored, err := want.WriteFile(path, identity.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	if hash := hashFile(t, path); hash != stored.SHA256 {
		t.Errorf("the file's SHA-256 is %s, but WriteFile returned %+v", hash, stored)
	}
	if got, err := ReadFile(path, stored.SHA256, ownFile); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ReadFile with the secret key: error %v, or not the transcript that was written", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(bytes.NewReader(text)); err == nil {
		t.Error("it is not encrypted")
	}
	cut := write("cut.transcript", string(text[:len(text)-1]))
	for name, c := range map[string]struct{ path, keys, want string }{
		"without a key":         {path, "", "name the file with the secret key"},
		"with another key":      {path, otherFile, "did not match"},
		"with a file of no key": {path, noKey, "has no secret key"},
		"with no file":          {path, noKey + ".gone", "no such file"},
		"cut":                   {cut, ownFile, ""},
	} {
		if _, err := ReadFile(c.path, hashFile(t, c.path), c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ReadFile: %v, want an error with %q", name, err, c.want)
		}
	}
	for recipient, reason := range map[string]string{"age1": "no public key", identity.String(): "give the public one",
		identity.Recipient().String() + "\n" + other.Recipient().String(): "no public key"} {
		err := CheckRecipient(recipient)
		if err == nil || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), identity.String()) {
			t.Errorf("CheckRecipient: %v, want an error with %q, without the secret key", err, reason)
		}
	}
}
