//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
)

// measureHook measures onward hook for an edit of a migration, in a repository whose results are cached, beside one git grep -w over the
// tree, in turn: the 95th percentile of its time, as an assistant waits for it.
func measureHook(b *measure.Bench) {
	repo, dir := b.Repo, b.Migrations
	if repo == "" {
		repo = makeEditedRepository(b)
	}
	repo = measure.Must(filepath.Abs(repo))
	if dir == "" {
		dir = findMigrations(b, repo)
	}
	event := measure.Must(json.Marshal(map[string]any{
		"hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": repo,
		"tool_input": map[string]string{
			"file_path": filepath.Join(repo, dir, "99999999999999_bench.sql"), "content": "CREATE TABLE onward_bench (id bigint PRIMARY KEY);\n",
		},
	}))
	file := filepath.Join(b.Dir, "event.json")
	measure.WriteFile(file, string(event))
	hook := cost.Command{
		Name: "onward hook", Path: "/bin/sh", Args: []string{"-c", b.Program() + " hook < " + file}, Dir: repo,
		Env: []string{"XDG_CACHE_HOME=" + filepath.Join(b.Dir, "cache")}, Fine: []int{0, 2},
	}
	timeRun := func(c cost.Command) func() float64 {
		return func() float64 { return measure.Milliseconds(measure.Must(cost.Run(b, c)).Wall) }
	}
	times := measure.InTurn(b.Rounds, timeRun(gitGrepCommand(repo, "HEAD")), timeRun(hook))
	slices.Sort(times[1])
	late, usual := times[1][len(times[1])*95/100], table.Median(times[0])
	b.Check("hook/grep", fmt.Sprintf("an edit in %s: 95 %% within, beside git grep", dir), late/usual)
	b.Check("hook/wait", "the same, as a time", late, fmt.Sprintf("median %.0f ms", table.Median(times[1])))
}

// findMigrations returns the directory called migrations that has most SQL files.
func findMigrations(b *measure.Bench, repo string) string {
	out, _ := b.Run(measure.Command{Dir: repo}, "git", "ls-files", "*migrations/*.sql")
	files, best := map[string]int{}, ""
	for name := range strings.Lines(out) {
		dir := filepath.Dir(name)
		if files[dir]++; files[dir] > files[best] {
			best = dir
		}
	}
	if best == "" {
		measure.Check(fmt.Errorf("%s has no SQL files in a directory called migrations: name one with -dir", repo))
	}
	return best
}

// makeEditedRepository makes a repository of 500 migrations and 4,000 files of code.
func makeEditedRepository(b *measure.Bench) string {
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
	return b.Repository(files, map[string]string{"README": "a repository\n"})
}
