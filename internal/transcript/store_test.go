package transcript

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFileName(t *testing.T) {
	for recording, want := range map[string]string{"onward.workload.json": "onward.workload.transcript", "a/w.json.gz": "a/w.transcript", "w": "w.transcript"} {
		if got := FileName(recording); got != want {
			t.Errorf("%s has %s", recording, got)
		}
	}
}

// hashFile returns the SHA-256 of a file.
func hashFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// A transcript is stored for its user alone, in place of an older one; a link, a directory and a missing directory are refused and stay.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.transcript")
	if err := os.WriteFile(path, []byte("an older one"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := &Transcript{Database: "app", User: "postgres", Start: StartsEmpty}
	stored, err := want.WriteFile(path, "")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != stored.Bytes {
		t.Errorf("%v has %d bytes, %+v, %v", info.Mode(), info.Size(), stored, err)
	}
	if hash := hashFile(t, path); hash != stored.SHA256 || len(hash) != 64 {
		t.Errorf("the file's SHA-256 is %q, but WriteFile returned %+v", hash, stored)
	}
	if got, err := ReadFile(path, stored.SHA256, ""); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ReadFile = %+v, %v, want %+v", got, err, want)
	}
	other := filepath.Join(dir, "other.transcript")
	if err := os.WriteFile(other, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, other} { // also a file that is no transcript is another one first
		if _, err := ReadFile(file, strings.Repeat("0", 64), ""); !errors.Is(err, ErrOtherFile) {
			t.Errorf("ReadFile of %s with another hash: %v, want %v", file, err, ErrOtherFile)
		}
	}
	victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "link.transcript")
	if err := os.WriteFile(victim, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	for bad, reason := range map[string]string{link: "is a symbolic link", dir: "is no file", filepath.Join(dir, "missing", "w.transcript"): "no such file"} {
		if _, err := want.WriteFile(bad, ""); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("WriteFile to %s: %v, want an error with %q", bad, err, reason)
		}
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "mine" {
		t.Errorf("the link's target holds %q, %v, want it unchanged", text, err)
	}
	if os.Geteuid() == 0 { // only root can make a file of another user
		if err := os.Chown(victim, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := want.WriteFile(victim, ""); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
			t.Errorf("WriteFile to another user's file: %v, want an error with its owner", err)
		}
	}
	if list, err := filepath.Glob(filepath.Join(dir, ".onward*")); err != nil || len(list) > 0 {
		t.Errorf("left are %q, %v", list, err)
	}
}
