package newcomer

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Block is a fenced block of a page. An HTML comment directly before it is its mark, which no reader sees:
//
//	<!-- needs a release -->   the release workflow runs it
//	<!-- not run: REASON -->   nothing runs it
//	<!-- example: REASON -->   this output differs from run to run
//	<!-- synopsis -->          a list of commands, whose names and flags are compared with their help
type Block struct {
	Line     int // of the fence
	Language string
	Text     string
	Mark     string
	// File is the path in a line that consists of it, directly before the block: `migrations/1.sql`:
	File string
}

var (
	fence    = regexp.MustCompile("^(\\s*)(```+)\\s*(\\S*)\\s*$")
	mark     = regexp.MustCompile(`^\s*<!-- (.+) -->$`)
	fileName = regexp.MustCompile("^\\s*`([^`]+)`:$")
)

// ParseBlocks returns the fenced blocks of a page.
func ParseBlocks(page string) (blocks []Block, err error) {
	var open *Block
	var indent, ticks, before string
	number := 0
	for line := range strings.Lines(page) {
		number++
		line = strings.TrimRight(line, "\r\n")
		found := fence.FindStringSubmatch(line)
		switch {
		case open != nil && found != nil && found[3] == "" && len(found[2]) >= len(ticks):
			blocks, open, before = append(blocks, *open), nil, ""
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		case found != nil:
			indent, ticks = found[1], found[2]
			open = &Block{Line: number, Language: found[3]}
			if m := mark.FindStringSubmatch(before); m != nil {
				open.Mark = m[1]
			}
			if m := fileName.FindStringSubmatch(before); m != nil {
				open.File = m[1]
			}
		case strings.TrimSpace(line) != "":
			before = line
		}
	}
	if open != nil {
		return nil, fmt.Errorf("the block of line %d has no end", open.Line)
	}
	return blocks, nil
}

// Mark texts and beginnings.
const (
	NeedsRelease = "needs a release"
	notRun       = "not run: "
	example      = "example: "
	synopsis     = "synopsis"
)

// IsShell reports whether a block has commands for a shell.
func (b Block) IsShell() bool {
	return slices.Contains([]string{"sh", "bash", "shell", "console", "zsh"}, b.Language)
}

// Check reports what is wrong with a block: without a language nobody knows whether it has commands, and an unknown mark has no effect.
func (b Block) Check() error {
	known := b.Mark == ""
	switch {
	case b.Language == "":
		return fmt.Errorf("line %d: the block has no language: sh for commands, which are run, and text for output", b.Line)
	case b.IsShell():
		known = known || b.Mark == NeedsRelease || strings.HasPrefix(b.Mark, notRun)
	case b.Language == "text":
		known = known || b.Mark == synopsis || strings.HasPrefix(b.Mark, example)
	}
	if !known {
		return fmt.Errorf("line %d: a block of %s has no such mark: %s", b.Line, b.Language, b.Mark)
	}
	return nil
}

// ReleasePages are the pages with blocks that need a release.
var ReleasePages = []string{"README.md", "docs/install.md"}

// ReleaseCommands returns the commands of each block that needs a release, with the version (v1.2.3) that is released in place of the page's.
func ReleaseCommands(page, version string) (blocks [][]Command, err error) {
	all, err := ParseBlocks(page)
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if b.Mark != NeedsRelease {
			continue
		}
		text := strings.ReplaceAll(b.Text, "1.2.3", strings.TrimPrefix(version, "v"))
		commands, err := ParseCommands(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", b.Line, err)
		}
		blocks = append(blocks, commands)
	}
	return blocks, nil
}

// makeProject makes the repository in which the blocks that need a release are run.
const makeProject = `mkdir project && cd project && git init -q -b main . && mkdir -p db/migrations
git config user.name Ada && git config user.email ada@example.org
echo 'CREATE TABLE users (id bigint PRIMARY KEY);' > db/migrations/1.sql
git add . && git commit -q -m deployed && git update-ref refs/remotes/origin/main main
echo 'ALTER TABLE users ADD COLUMN name text;' > db/migrations/new.sql
git add . && git commit -q -m new
mkdir -p ~/bin`

// RunReleased runs the blocks of a page that need a release, in a fresh home below a directory, and returns how many there are.
//
// Errors: a page that cannot be read, and a command whose exit code differs from its comment.
func RunReleased(ctx context.Context, page, version, home string, env ...string) (int, error) {
	blocks, err := ReleaseCommands(page, version)
	if err != nil {
		return 0, err
	}
	s := Session{Home: home, Dir: home, Env: env}
	if out, code := Run(ctx, home, home, makeProject, env...); code != 0 {
		return 0, fmt.Errorf("make a project: exit code %d: %s", code, out)
	}
	s.Dir = filepath.Join(home, "project")
	for _, commands := range blocks {
		if out, code := s.Run(ctx, commands); code != 0 {
			return 0, fmt.Errorf("exit code %d:\n%s", code, out)
		}
	}
	return len(blocks), nil
}
