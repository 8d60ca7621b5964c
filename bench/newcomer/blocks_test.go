package newcomer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBlocks(t *testing.T) {
	t.Parallel()
	blocks, err := ParseBlocks("# A\n\n<!-- needs a release -->\n```sh\na # exit code 2\n# b\nc \\\n  d\n```\n\n`x/1.sql`:\n\n```sql\nSELECT 1;\n```\n\n" +
		"1. Do.\n\n   ```text\n   e\n     f\n   ```\n\n```\ng\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{
		{Line: 4, Language: "sh", Text: "a # exit code 2\n# b\nc \\\n  d\n", Mark: NeedsRelease},
		{Line: 13, Language: "sql", Text: "SELECT 1;\n", File: "x/1.sql"},
		{Line: 19, Language: "text", Text: "e\n  f\n"},
		{Line: 24, Text: "g\n"},
	}
	if diff := cmp.Diff(want, blocks); diff != "" {
		t.Error(diff)
	}
	commands, err := ParseCommands(blocks[0].Text)
	if diff := cmp.Diff([]Command{{"a # exit code 2", 2}, {"c \\\nd", 0}}, commands); diff != "" || err != nil {
		t.Errorf("ParseCommands: %v, the commands (-want +got):\n%s", err, diff)
	}
	if _, err := ParseBlocks("```sh\na\n"); err == nil {
		t.Error("a block without an end")
	}
	for _, text := range []string{"", "# a\n", "a \\\n"} {
		if _, err := ParseCommands(text); err == nil {
			t.Errorf("%q has commands", text)
		}
	}
}

// A block that is neither run nor marked is an error, and so is a mark that nothing reads.
func TestCheckBlock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		language, mark string
		good           bool
	}{
		{"", "", false},
		{"", "not run: it is long", false},
		{"sh", "", true},
		{"sh", NeedsRelease, true},
		{"sh", "not run: it is long", true},
		{"sh", "not run", false},
		{"sh", "needs a relase", false},
		{"sh", synopsis, false},
		{"console", "", true},
		{"text", "", true},
		{"text", "example: it has a time", true},
		{"text", synopsis, true},
		{"text", "not run: it is long", false},
		{"yaml", "", true},
		{"yaml", NeedsRelease, false},
	} {
		if err := (Block{Language: c.language, Mark: c.mark}).Check(); (err == nil) != c.good {
			t.Errorf("Check of a block in %q with the mark %q: %v, want success %t", c.language, c.mark, err, c.good)
		}
	}
}

// TestMissingLine holds that output is compared in its order.
func TestMissingLine(t *testing.T) {
	t.Parallel()
	const out = "$ a\n  one\n  two 2\n  three\n"
	for text, want := range map[string]string{
		"one\n\nthree\n": "", "  two\n": "", "one\none\n": "one", "three\ntwo\n": "two", "four\n": "four",
	} {
		if got := missingLine(out, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestReleased runs the blocks that need a release against a server that has one. Programs that only a real release serves are replaced by
// some that record their arguments.
func TestReleased(t *testing.T) {
	t.Parallel()
	program, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := Pack(binary)
	if err != nil {
		t.Fatal(err)
	}
	installer := readPage(t, "install.sh")
	files := map[string][]byte{
		"install.sh": []byte(installer), Archive("2.3.4"): archive, "onward_2.3.4_linux_amd64.tar.gz": archive, "onward_2.3.4_linux_amd64.deb": []byte("deb"),
	}
	files["checksums.txt"] = Sums(files)
	files["checksums.txt.sigstore.json"] = []byte("signed")
	releases := &Releases{Latest: "2.3.4", Files: map[string]map[string][]byte{"2.3.4": files}}
	for _, page := range taskPages(t) {
		blocks, err := ReleaseCommands(readPage(t, page), "v2.3.4")
		if err != nil {
			t.Fatal(err)
		}
		if (len(blocks) > 0) != slices.Contains(ReleasePages, page) {
			t.Errorf("%s has %d blocks that need a release; the release workflow reads the pages %v", page, len(blocks), ReleasePages)
		}
	}
	for _, page := range ReleasePages {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			home, bin := t.TempDir(), t.TempDir()
			stop, err := Serve(home, releases)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			for _, name := range []string{"brew", "docker", "sudo", "cosign", "go"} {
				text := "#!/bin/sh\necho " + name + " \"$@\" >> " + bin + "/log\n"
				if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			text := readPage(t, page)
			n, err := RunReleased(t.Context(), text, "v2.3.4", home, "PATH="+bin+":"+os.Getenv("PATH"))
			if err != nil {
				t.Fatal(err)
			}
			if marks := strings.Count(text, "<!-- "+NeedsRelease+" -->"); n != marks {
				t.Errorf("%d blocks were run, and %d are marked", n, marks)
			}
			log, err := os.ReadFile(filepath.Join(bin, "log"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{
				"brew install onward-sql/tap/onward", "docker run --rm", "go install github.com/onward-sql/onward/cmd/onward@latest", "cosign verify-blob",
			} {
				if !strings.Contains(string(log), want) {
					t.Errorf("%s was not run:\n%s", want, log)
				}
			}
			if _, err := os.Stat(filepath.Join(home, ".local/bin/onward")); err != nil {
				t.Error(err)
			}
			// A release without the files fails.
			broken := t.TempDir()
			stopBroken, err := Serve(broken, &Releases{Latest: "2.3.4"})
			if err != nil {
				t.Fatal(err)
			}
			defer stopBroken()
			_, err = RunReleased(t.Context(), text, "v2.3.4", broken, "PATH="+bin+":"+os.Getenv("PATH"))
			if err == nil || !strings.Contains(err.Error(), "exit code 22") {
				t.Errorf("without its files: %v", err)
			}
		})
	}
}
