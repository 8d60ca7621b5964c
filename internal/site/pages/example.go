package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/onward"
)

//go:embed frameworks/*.txtar accidents/*.txtar squawk.txt
var sources embed.FS

// example is a file of examples: what it says of itself, and a small repository in which something is new.
type example struct {
	head  map[string]string
	prose string
	// beside are files that always exist. deployed are the base's migrations, fresh the release's,
	// and safe the ones that replace the release.
	beside, deployed, fresh, safe map[string]string
}

// readExamples reads the examples in a directory, by name.
func readExamples(dir string) ([]*example, error) {
	entries, err := sources.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []*example
	for _, e := range entries {
		data, err := sources.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		x, err := parseExample(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		out = append(out, x)
	}
	return out, nil
}

func parseExample(data []byte) (*example, error) {
	a := txtar.Parse(data)
	x := &example{head: map[string]string{}, beside: map[string]string{}, deployed: map[string]string{}, fresh: map[string]string{}, safe: map[string]string{}}
	head, prose, _ := strings.Cut(string(a.Comment), "\n\n")
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			return nil, fmt.Errorf("%q is not KEY: VALUE", line)
		}
		x.head[key] = value
	}
	x.prose = strings.TrimSpace(prose)
	for _, f := range a.Files {
		target, name := x.beside, f.Name
		for prefix, files := range map[string]map[string]string{"deployed/": x.deployed, "new/": x.fresh, "safe/": x.safe} {
			if rest, ok := strings.CutPrefix(f.Name, prefix); ok {
				target, name = files, rest
			}
		}
		target[name] = string(f.Data)
	}
	return x, nil
}

// writeInto writes the example into a directory, with some migrations as the release.
func (x *example) writeInto(dir string, release map[string]string) error {
	for _, files := range []map[string]string{x.beside, x.deployed, release} {
		for name, text := range files {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// runChangelog is what onward changelog prints of a release, and its report.
func (x *example) runChangelog(ctx context.Context, release map[string]string) (string, *onward.Report, error) {
	dir, err := os.MkdirTemp("", "onward-pages-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(dir)
	if err := x.writeInto(dir, nil); err != nil {
		return "", nil, err
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."},
		{"-c", "user.name=onward", "-c", "user.email=onward@example.org", "commit", "-q", "-m", "deployed"},
	} {
		if out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	if err := x.writeInto(dir, release); err != nil {
		return "", nil, err
	}
	settings, err := config.Load(dir, audit.Names())
	if err != nil {
		return "", nil, err
	}
	r, err := audit.Changelog(ctx, audit.Config{Dir: dir, Base: "HEAD", Settings: settings})
	if err != nil {
		return "", nil, err
	}
	// A commit has another name each time.
	r.Base, r.Head = "deployed", "this branch"
	var b bytes.Buffer
	if err := terminal.WriteReport(&b, r, report.Options{Width: 100}); err != nil {
		return "", nil, err
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return "```text\n" + strings.Trim(strings.Join(lines, "\n"), "\n") + "\n```\n", r, nil
}

// formatFiles are files as a page shows them.
func formatFiles(files map[string]string, names bool) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		language := strings.TrimPrefix(path.Ext(name), ".")
		if names {
			fmt.Fprintf(&b, "`%s`:\n\n", name)
		}
		fmt.Fprintf(&b, "```%s\n%s```\n\n", language, files[name])
	}
	return b.String()
}
