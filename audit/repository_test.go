package audit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/onward"
)

// repository makes a git repository with one commit per archive; a file that
// an archive gives no content is deleted.
func repository(t *testing.T, commits ...string) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "-b", "main")
	for i, c := range commits {
		if i == 1 {
			git("checkout", "-q", "-b", "feature")
		}
		for _, f := range txtar.Parse([]byte(c)).Files {
			at := filepath.Join(dir, f.Name)
			if len(f.Data) == 0 {
				if err := os.Remove(at); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
	}
	return dir
}

func changelog0(t *testing.T, c Config) *onward.Report {
	t.Helper()
	r, err := Changelog(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found lists the findings as "severity rule file:line".
func found(r *onward.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %s:%d", f.Severity, f.Rule, filepath.Base(f.Path), f.Line))
	}
	return out
}

// severityOf is that of the last finding of a rule; "" for none.
func severityOf(r *onward.Report, id string) string {
	got := ""
	for _, f := range r.Findings {
		if f.Rule == id {
			got = f.Severity.String()
		}
	}
	return got
}
