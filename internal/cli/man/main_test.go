package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/internal/cli"
)

var macro = regexp.MustCompile(`(?m)^[.'][^ \n]*`)

// TestWrite: every command has its page with all its flags, dated as told, and of nothing but
// macros that a formatter of man pages knows; and shells can read the completions.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := cli.Manual()
	if err := writeManPages(root, dir, time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	n := 0
	var each func(cmd *cobra.Command)
	each = func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() && cmd != root || cmd.Name() == "help" {
			return
		}
		n++
		page := read(t, dir, "man", strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
		plain := strings.ReplaceAll(page, `\-`, "-")
		if !strings.Contains(page, `"Feb 2031"`) {
			t.Errorf("%s: the page is not dated", cmd.CommandPath())
		}
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(plain, `--`+f.Name) {
				t.Errorf("%s: no word of --%s", cmd.CommandPath(), f.Name)
			}
		})
		for _, m := range macro.FindAllString(page, -1) {
			switch m {
			case ".TH", ".SH", ".SS", ".PP", ".RS", ".RE", ".EX", ".EE", ".nh", ".TP", ".IP":
			default:
				t.Errorf("%s: a line begins with %q, which is no macro", cmd.CommandPath(), m)
			}
		}
		for _, sub := range cmd.Commands() {
			each(sub)
		}
	}
	each(root)
	if n < 20 {
		t.Errorf("only %d commands are seen", n)
	}
	if out, err := exec.Command("bash", "-n", filepath.Join(dir, "completions", "onward.bash")).CombinedOutput(); err != nil {
		t.Errorf("bash: %v: %s", err, out)
	}
	for file, word := range map[string]string{"_onward": "#compdef onward", "onward.fish": "complete -c onward", "onward.ps1": "Register-ArgumentCompleter"} {
		if !strings.Contains(read(t, dir, "completions", file), word) {
			t.Errorf("%s: no %q", file, word)
		}
	}
	list := read(t, dir, "commands", "README.md")
	if page := read(t, dir, "commands", "workload.md"); !strings.Contains(list, "](workload.md)") || !strings.Contains(page, "## onward workload merge\n") {
		t.Errorf("the pages of commands:\n%s\n%s", list, page)
	}
}

func TestDated(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	if date, err := pageDate(); err != nil || date.Format(time.DateOnly) != "1970-01-02" {
		t.Errorf("pageDate() with SOURCE_DATE_EPOCH=86400 = %v (error %v), want 1970-01-02", date, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	if date, err := pageDate(); err == nil {
		t.Errorf("today is %v", date)
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
