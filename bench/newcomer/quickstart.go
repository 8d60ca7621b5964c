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

// Command is a command of a block.
type Command struct {
	Line string
	// Exit is the exit code in the line's comment ("# exit code 1"), 0 without one.
	Exit int
}

var exit = regexp.MustCompile(`# exit code (\d+)`)

// ParseCommands returns the commands of a block, one for each line. A backslash at the end joins a line to the next.
func ParseCommands(text string) (commands []Command, err error) {
	rest := ""
	for line := range strings.Lines(text) {
		line = rest + strings.TrimSpace(line)
		if strings.HasSuffix(line, `\`) {
			rest = line + "\n"
			continue
		}
		if rest = ""; line == "" || line[0] == '#' {
			continue
		}
		c := Command{Line: line}
		if match := exit.FindStringSubmatch(line); match != nil {
			if c.Exit, err = strconv.Atoi(match[1]); err != nil {
				return nil, err
			}
		}
		commands = append(commands, c)
	}
	if rest != "" {
		return nil, fmt.Errorf("a command has no end: %s", rest)
	}
	if len(commands) == 0 {
		return nil, errors.New("the block has no command")
	}
	return commands, nil
}

// QuickStart returns the commands of a README that install a release, and then those of its section "Quick start". The latter run in a
// directory of their own.
func QuickStart(readme string) ([]Command, error) {
	install, err := ReleaseCommands(readme, "v1.2.3")
	if err != nil {
		return nil, err
	}
	_, section, found := strings.Cut(readme, "\n## Quick start\n")
	if !found || len(install) == 0 {
		return nil, errors.New("the README has no section \"Quick start\", or no block that installs a release")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	blocks, err := ParseBlocks(section)
	if err != nil {
		return nil, err
	}
	commands := append(install[0], Command{Line: `export PATH="$HOME/.local/bin:$PATH"`}, Command{Line: "mkdir onward && cd onward"})
	n := len(commands)
	for _, b := range blocks {
		if b.IsShell() {
			more, err := ParseCommands(b.Text)
			if err != nil {
				return nil, err
			}
			commands = append(commands, more...)
		}
	}
	if len(commands) == n {
		return nil, errors.New("the README's quick start has no commands fenced as sh")
	}
	return commands, nil
}

// Script returns a shell script that runs commands in one session. It stops with exit code 99 after the first command whose
// exit code is not its Exit.
func Script(commands []Command) string {
	var out strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&out, "echo %s\n%s\ncode=$?\n[ $code = %d ] || { echo \"exit code $code\"; exit 99; }\n", quoteShell("$ "+c.Line), c.Line, c.Exit)
	}
	return out.String()
}

func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Run runs a script in bash in a directory, as somebody whose home has nothing but what Serve put there. env has further variables.
func Run(ctx context.Context, home, dir, script string, env ...string) (out string, code int) {
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "TERM=dumb", "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(home),
	}, env...)
	text, _ := cmd.CombinedOutput() // the exit code tells
	return string(text), cmd.ProcessState.ExitCode()
}

// Session runs the blocks of a page one after the other, each in the directory and with the variables that the one before left.
type Session struct {
	Home, Dir string
	Env       []string
}

// Run runs the commands of a block.
func (s *Session) Run(ctx context.Context, commands []Command) (out string, code int) {
	sessionFile := filepath.Join(s.Home, ".session")
	script := "[ ! -e " + sessionFile + " ] || { . " + sessionFile + "; cd \"$PWD\"; }\n" + Script(commands) + "export -p >" + sessionFile + "\n"
	return Run(ctx, s.Home, s.Dir, script, s.Env...)
}
