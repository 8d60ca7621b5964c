// Package release makes the git repositories that the benchmarks run on.
package release

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Repository creates a repository in a directory. The branch base has the base files, by name. The
// branch main, which is checked out, also has the release's files.
func Repository(dir string, base, release map[string]string) error {
	for _, c := range []struct {
		branch string
		files  map[string]string
	}{{"base", base}, {"main", release}} {
		for name, text := range c.files {
			at := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
				return err
			}
		}
		for _, args := range [][]string{
			{"init", "-q", "-b", "base"}, {"checkout", "-q", "-B", c.branch}, {"add", "-A"},
			{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", c.branch},
		} {
			cmd := exec.Command("git", args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("git %v: %w: %s", args, err, out)
			}
		}
	}
	return nil
}
