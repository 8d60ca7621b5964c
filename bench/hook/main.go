//go:build unix

// Command hook measures `onward hook` for an edit of a migration, in a repository whose results are cached, beside one `git grep -w` over the
// tree, in turn: the 95th percentile of its time, as an assistant waits for it.
//
//	go run ./bench/hook [-repo DIR] [-dir MIGRATIONS] [-rounds N]
//
// Without -repo it makes a repository of 500 migrations and 4,000 files of code. README.md in the directory above says what is measured and
// how. It exits with 0 when the limits are kept, 1 when one is missed and 3 when it could not measure.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
)

// The limits of the 95th percentile: as a multiple of git grep's median, and as a time.
const (
	ratioLimit = 2.5
	timeLimit  = 500 * time.Millisecond
	word       = "perihelion"
)

func main() {
	cost.RunOne()
	repo := flag.String("repo", os.Getenv("REPO"), "a `directory` with a clone (or $REPO)")
	dir := flag.String("dir", "", "its `directory` of SQL migrations (default: the one with most files)")
	rounds := flag.Int("rounds", 40, "measured rounds; one more warms up")
	flag.Parse()
	run.ExitIf(measureHook(context.Background(), *repo, *dir, *rounds))
}

func measureHook(ctx context.Context, repo, dir string, rounds int) (missed bool, err error) {
	temporary, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temporary)
	if repo == "" {
		repo = filepath.Join(temporary, "repository")
		if err := makeRepository(repo); err != nil {
			return false, err
		}
	}
	if dir == "" {
		if dir, err = findMigrations(ctx, repo); err != nil {
			return false, err
		}
	}
	program := filepath.Join(temporary, "onward")
	if err := run.BuildOnward(ctx, program); err != nil {
		return false, err
	}
	event, err := json.Marshal(map[string]any{
		"hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": repo,
		"tool_input": map[string]string{
			"file_path": filepath.Join(repo, dir, "99999999999999_bench.sql"), "content": "CREATE TABLE onward_bench (id bigint PRIMARY KEY);\n",
		},
	})
	if err != nil {
		return false, err
	}
	file := filepath.Join(temporary, "event.json")
	if err := os.WriteFile(file, event, 0o600); err != nil {
		return false, err
	}
	git := cost.Command{Name: "git grep", Path: "/bin/sh", Args: []string{"-c", "git grep -w " + word + " HEAD"}, Dir: repo, Fine: []int{0, 1}}
	hook := cost.Command{
		Name: "onward hook", Path: "/bin/sh", Args: []string{"-c", program + " hook < " + file}, Dir: repo,
		Env: []string{"XDG_CACHE_HOME=" + filepath.Join(temporary, "cache")}, Fine: []int{0, 2},
	}
	var times [2][]float64
	for round := range rounds + 1 {
		for i, c := range []cost.Command{git, hook} {
			u, err := cost.Run(ctx, c)
			if err != nil {
				return false, err
			}
			if round > 0 { // the first one warms up
				times[i] = append(times[i], float64(u.Wall.Microseconds())/1000)
			}
		}
	}
	slices.Sort(times[1])
	late, usual := times[1][len(times[1])*95/100], table.Median(times[0])
	var t table.Table
	t.PrintLine(fmt.Sprintf("an edit in %s: 95 %% within", dir), fmt.Sprintf("%.0f ms, %.2f times git grep", late, late/usual),
		late/usual <= ratioLimit, fmt.Sprintf("%.1f times", ratioLimit))
	t.PrintLine("the same, as a time", fmt.Sprintf("%.0f ms, median %.0f ms", late, table.Median(times[1])), late <= float64(timeLimit.Milliseconds()),
		fmt.Sprint(timeLimit))
	return t.Missed, nil
}

// findMigrations returns the directory called migrations that has most SQL files.
func findMigrations(ctx context.Context, repo string) (string, error) {
	list := exec.CommandContext(ctx, "git", "ls-files", "*migrations/*.sql")
	list.Dir = repo
	out, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("git ls-files: %w", err)
	}
	files, best := map[string]int{}, ""
	for name := range strings.Lines(string(out)) {
		dir := filepath.Dir(name)
		if files[dir]++; files[dir] > files[best] {
			best = dir
		}
	}
	if best == "" {
		return "", fmt.Errorf("%s has no SQL files in a directory called migrations: name one with -dir", repo)
	}
	return best, nil
}

// makeRepository makes a repository of 500 migrations and 4,000 files of code.
func makeRepository(dir string) error {
	files := map[string]string{}
	for i := range 500 {
		files[fmt.Sprintf("migrations/%014d_step.sql", i+1)] = fmt.Sprintf(
			"CREATE TABLE t%d (id bigint PRIMARY KEY, name text);\nCREATE INDEX t%d_name ON t%d (name);\n", i, i, i)
	}
	for i := range 4000 {
		files[fmt.Sprintf("app/part%d/file%d.py", i%50, i)] = fmt.Sprintf(
			"import psycopg\n\n\ndef read_%d(conn, key):\n    return conn.execute(\"SELECT name FROM t%d WHERE id = %%s\", [key]).fetchone()\n"+
				strings.Repeat("\n\ndef other(value):\n    return value + 1\n", 12), i, i%500)
	}
	return release.Repository(dir, files, map[string]string{"README": "a repository\n"})
}
