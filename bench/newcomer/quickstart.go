package newcomer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Command is a line of the quick start.
type Command struct {
	Line string
	// Exit is the exit code that the line's comment tells, 0 without one.
	Exit int
}

var exit = regexp.MustCompile(`# exit code (\d+)`)

// QuickStart are the commands of a README's quick start: all that is fenced as sh below the heading of that name.
func QuickStart(readme string) (commands []Command, err error) {
	_, section, found := strings.Cut(readme, "\n## Quick start\n")
	if !found {
		return nil, errors.New("the README has no section \"Quick start\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	within := false
	for line := range strings.Lines(section) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "```"):
			within = !within && line == "```sh"
		case within && line != "" && line[0] != '#':
			c := Command{Line: line}
			if said := exit.FindStringSubmatch(line); said != nil {
				if c.Exit, err = strconv.Atoi(said[1]); err != nil {
					return nil, err
				}
			}
			commands = append(commands, c)
		}
	}
	if len(commands) == 0 {
		return nil, errors.New("the README's quick start has no commands fenced as sh")
	}
	return commands, nil
}

// FirstFinding is how many of the commands there are up to the first that finds something.
func FirstFinding(commands []Command) int {
	for i, c := range commands {
		if c.Exit == 1 {
			return i + 1
		}
	}
	return len(commands)
}

// Script is what a shell runs to go through commands in one session. It stops with exit code 99 at the first whose
// exit code is another than it tells.
func Script(commands []Command) string {
	var out strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&out, "echo %s\n%s\ncode=$?\n[ $code = %d ] || { echo \"exit code $code\"; exit 99; }\n", quoteShell("$ "+c.Line), c.Line, c.Exit)
	}
	return out.String()
}

func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Run runs a script in bash in a directory, as somebody whose home has nothing but what Serve put there.
func Run(ctx context.Context, home, dir, script string) (out string, code int) {
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, "TERM=dumb", "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(home),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org",
	}
	text, _ := cmd.CombinedOutput() // the exit code tells
	return string(text), cmd.ProcessState.ExitCode()
}
