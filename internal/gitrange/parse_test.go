package gitrange

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

func TestParseRefusesWhatGitDoesNotPrint(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 40)
	for _, out := range []string{"x", "x\x00", "\x00", "100644 blob " + id + " 1\t\x00", "100644 blob " + id + " x\tp\x00", "100644 blob " + id + " 1\tp"} {
		if files, err := parseTree([]byte(out)); err == nil {
			t.Errorf("tree %q: %v", out, files)
		}
	}
	if files, err := parseTree([]byte("100644 blob " + id + "     BAD\tgone\x00")); err != nil || len(files) != 1 || files[0].Size != -1 {
		t.Errorf("a missing blob costs its size only: %v %v", files, err)
	}
	for _, out := range []string{"x", "\x00", "H\x00", "H \x00", "HH 100644 " + id + " 0\tp\x00", "H 100644 " + id + "\tp\x00", "? a"} {
		if entries, err := parseIndex([]byte(out)); err == nil {
			t.Errorf("index %q: %v", out, entries)
		}
	}
	state := ":100644 100644 " + id + " " + id
	for _, out := range []string{"x\x00p\x00", state + " M\x00", state + " M\x00\x00", state + "\x00p\x00", state + " R100\x00old\x00", state + " M\x00p"} {
		if changes, err := parseRawDiff([]byte(out)); err == nil {
			t.Errorf("raw %q: %v", out, changes)
		}
	}
	if settings, err := parseConfig([]byte("local\x00")); err == nil {
		t.Errorf("config: %v", settings)
	}
}

func TestParseRawSubmodules(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 40)
	record := func(from, to, status string, paths ...string) string {
		return ":" + from + " " + to + " " + id + " " + id + " " + status + "\x00" + strings.Join(paths, "\x00") + "\x00"
	}
	got, err := parseRawDiff([]byte(record("160000", "160000", "M", "moved-on") +
		record("000000", "160000", "A", "new") + record("160000", "000000", "D", "gone") +
		record("160000", "100644", "T", "to-file") + record("100644", "160000", "T", "to-module") +
		record("100644", "120000", "T", "to-link") + record("100644", "100644", "R087", "old\nname", "-new") +
		record("000000", "000000", "U", "conflict") + record("100644", "100644", "M", "conflict")))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []Change{
		{Kind: Added, Path: "to-file"},
		{Kind: Deleted, Path: "to-module"},
		{Kind: Modified, Path: "to-link"},
		{Kind: Renamed, Path: "-new", OldPath: "old\nname", Similarity: 87},
		{Kind: Modified, Path: "conflict"},
	})
}

// FuzzParse feeds the -z parsers. They must not panic, and what they accept
// must have come from the input: every path is one of its pieces.
func FuzzParse(f *testing.F) {
	if _, err := exec.LookPath("git"); err == nil {
		seed := repository(f)
		seed.write("a b\n.sql", lines)
		seed.write("-x", "1")
		seed.commit("first")
		seed.git("mv", "a b\n.sql", "ü.sql")
		seed.write("untracked", "1")
		p := &program{dir: seed.dir}
		for _, args := range [][]string{
			{"ls-tree", "-r", "-z", "--long", "HEAD"}, {"ls-tree", "-r", "-z", "HEAD"}, {"ls-files", "-t", "-s", "-c", "-o", "-z"},
			{"diff", "--raw", "-z", "-M", "--no-abbrev", "HEAD", "--"}, {"config", "--list", "-z", "--show-scope"},
		} {
			out, err := p.runForOutput(f.Context(), args...)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(out)
		}
	}
	f.Add([]byte(":100644 100644 a b R100\x00old\x00new\x00"))
	f.Add([]byte("? dir/\x00S 100644 a 0\tp\x00"))
	f.Fuzz(func(t *testing.T, out []byte) {
		check := func(path string) {
			if path == "" || strings.Contains(path, "\x00") || !bytes.Contains(out, []byte(path)) {
				t.Errorf("path %q from %q", path, out)
			}
		}
		files, err := parseTree(out)
		for _, file := range files {
			check(file.Path)
		}
		if err == nil && len(files) > bytes.Count(out, []byte{0}) {
			t.Errorf("%d files from %q", len(files), out)
		}
		entries, _ := parseIndex(out)
		for _, e := range entries {
			check(e.path)
		}
		changes, _ := parseRawDiff(out)
		for _, c := range changes {
			check(c.Path)
			if (c.OldPath != "") != (c.Kind == Renamed) {
				t.Errorf("change %+v from %q", c, out)
			}
		}
		if settings, err := parseConfig(out); err == nil && 2*len(settings) != bytes.Count(out, []byte{0}) {
			t.Errorf("%d settings from %q", len(settings), out)
		}
	})
}

// A git that was ended says by what, not a number.
func TestEndedGit(t *testing.T) {
	t.Parallel()
	err := &GitError{Args: []string{"diff", "--raw"}, Code: -1, Ended: "signal: segmentation fault"}
	if want := "git diff: signal: segmentation fault ended it; try the same command by hand, and git fsck"; err.Error() != want {
		t.Errorf("Error() = %q, want %q", err, want)
	}
}
