package cli

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
)

// outputOptions returns the format of --format, which must be one of the command's formats,
// and the options for printing.
func (a *app) outputOptions(allowed ...report.Format) (report.Format, report.Options, error) {
	format, err := a.chosenFormat(allowed...)
	if err != nil {
		return "", report.Options{}, err
	}
	options, err := a.terminalOptions()
	return format, options, err
}

// chosenFormat returns the format of --format, and refuses one that the command does not have.
func (a *app) chosenFormat(allowed ...report.Format) (report.Format, error) {
	f := report.Format(a.flags.format)
	if slices.Contains(allowed, f) {
		return f, nil
	}
	if !slices.Contains(report.Formats(), f) {
		if suggestion := config.Nearest(string(f), toStrings(allowed)); suggestion != "" {
			return "", newUsageError("unknown format %q: did you mean %s?", f, suggestion)
		}
	}
	return "", newUsageError("unsupported format %q; use %s", f, joinNames(allowed))
}

// toStrings converts names of a string type to strings.
func toStrings[T ~string](names []T) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return out
}

// joinNames joins names: "a", "a or b", "a, b or c".
func joinNames[T ~string](names []T) string {
	out := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			out += " or "
		default:
			out += ", "
		}
		out += string(n)
	}
	return out
}

// terminalOptions returns how to print: colour and width of the terminal, and the directory for relative paths.
func (a *app) terminalOptions() (report.Options, error) {
	o := report.Options{Verbose: a.flags.verbose > 0, Quiet: a.flags.quiet, Dir: workingDir()}
	if o.Verbose && o.Quiet {
		return o, newUsageError("--verbose and --quiet contradict each other")
	}
	terminal := a.writesToTerminal()
	if terminal {
		if width, _, err := term.GetSize(int(a.out.(*os.File).Fd())); err == nil {
			o.Width = width
		}
	}
	switch a.flags.color {
	case "always":
		o.Color = true
	case "never":
	case "auto":
		force := a.env("CLICOLOR_FORCE")
		switch {
		case a.env("NO_COLOR") != "":
		case force != "" && force != "0":
			o.Color = true
		default:
			o.Color = terminal && a.env("TERM") != "dumb"
		}
	default:
		return o, newUsageError("--color %q is not one of auto, always, never", a.flags.color)
	}
	o.Links = o.Color && terminal && supportsLinks(a.env)
	return o, nil
}

// writesToTerminal reports whether the result goes to a terminal.
func (a *app) writesToTerminal() bool {
	f, ok := a.out.(*os.File)
	return ok && a.flags.output == "" && term.IsTerminal(int(f.Fd()))
}

// supportsLinks reports whether the terminal supports links, according to its environment. FORCE_HYPERLINK turns them
// on for others.
func supportsLinks(env func(string) string) bool {
	if force := env("FORCE_HYPERLINK"); force != "" {
		return force != "0"
	}
	if env("CI") != "" {
		return false
	}
	if vte, err := strconv.Atoi(env("VTE_VERSION")); err == nil {
		return vte >= 5000
	}
	return slices.Contains([]string{"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "WarpTerminal", "zed"}, env("TERM_PROGRAM")) ||
		env("WT_SESSION") != "" || env("KITTY_WINDOW_ID") != "" || env("KONSOLE_VERSION") != "" || env("TERM") == "alacritty"
}

// workingDir is the working directory as seen from the repository's root; ""
// at the root and outside a repository.
func workingDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	_, root, err := config.Find(dir)
	if err != nil || root == "" {
		return ""
	}
	relPath, err := filepath.Rel(root, dir)
	if err != nil || relPath == "." {
		return ""
	}
	return filepath.ToSlash(relPath)
}

// writeResult prints a result to standard output, or to the file of --output in one
// piece.
func (a *app) writeResult(print func(io.Writer) error) error {
	if a.flags.output == "" {
		if err := print(a.out); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	var b bytes.Buffer
	if err := print(&b); err != nil {
		return err
	}
	if err := os.WriteFile(a.flags.output, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// printNote prints a note in addition to the result, unless --quiet.
func (a *app) printNote(format string, args ...any) {
	if !a.flags.quiet {
		a.printLines(escape.Line(fmt.Sprintf(format, args...)))
	}
}

// printLines prints a text on standard error. Further lines are indented. On a terminal no word is broken at its edge.
func (a *app) printLines(text string) {
	width := 0
	if f, ok := a.standardError().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		width, _, _ = term.GetSize(int(f.Fd()))
	}
	var lines []string
	for line := range strings.SplitSeq("onward: "+strings.TrimSpace(text), "\n") {
		line = escape.Line(line)
		if len(lines) > 0 {
			line = "  " + line
		}
		lines = append(lines, wrapWords(line, width)...)
	}
	fmt.Fprintln(a.err, strings.Join(lines, "\n"))
}

// standardError is the writer to standard error that does not escape control characters.
func (a *app) standardError() io.Writer {
	if aside, ok := a.err.(escape.Writer); ok {
		return aside.W
	}
	return a.err
}

// wrapWords breaks a line between words so that it fits into the width. Further lines are indented by two more blanks. A width of 0 breaks
// nothing.
func wrapWords(line string, width int) []string {
	indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))+2)
	var lines []string
	for width > 0 && view.MeasureText(line) > width {
		start := len(line) - len(strings.TrimLeft(line, " "))
		end := -1
		for i := start; i < len(line); i++ {
			if line[i] == ' ' && (end < 0 || view.MeasureText(line[:i]) <= width) {
				end = i
			}
		}
		if end < 0 {
			break
		}
		lines = append(lines, strings.TrimRight(line[:end], " "))
		line = indent + strings.TrimLeft(line[end:], " ")
	}
	return append(lines, line)
}

// newLogger returns a logger for debug messages if --verbose is given twice.
func (a *app) newLogger() *slog.Logger {
	if a.flags.verbose < 2 {
		return nil
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// wrapHelp makes the help of all commands fit the terminal.
func (a *app) wrapHelp(root *cobra.Command) {
	printHelp := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		o, err := a.terminalOptions()
		if err != nil || o.Width == 0 {
			printHelp(cmd, args)
			return
		}
		var b bytes.Buffer
		cmd.SetOut(&b)
		printHelp(cmd, args)
		cmd.SetOut(a.out)
		cmd.Print(fitHelp(b.String(), o.Width))
	})
}

// fitHelp fits a help text into a width. It fills paragraphs again, and keeps the descriptions of commands, flags and examples in their
// column. It does not break lines that a user types.
func fitHelp(text string, width int) string {
	var b strings.Builder
	var paragraph []string
	endParagraph := func() {
		filled := strings.Join(paragraph, "\n")
		for _, line := range paragraph {
			if len(line) > width {
				filled = ansi.Wordwrap(strings.Join(paragraph, " "), width, "")
				break
			}
		}
		if paragraph != nil {
			b.WriteString(filled + "\n")
		}
		paragraph = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && line[0] != ' ' {
			paragraph = append(paragraph, line)
			continue
		}
		endParagraph()
		words := strings.TrimLeft(line, " ")
		indent := len(line) - len(words)
		typed, description, _ := strings.Cut(words, "  ")
		description = strings.TrimLeft(description, " ")
		column := len(line) - len(description)
		if len(line) <= width || description == "" || width-column < 20 {
			b.WriteString(line + "\n")
			continue
		}
		b.WriteString(line[:indent] + typed + strings.Repeat(" ", column-indent-len(typed)))
		b.WriteString(strings.ReplaceAll(ansi.Wordwrap(description, width-column, ""), "\n", "\n"+strings.Repeat(" ", column)) + "\n")
	}
	endParagraph()
	return b.String()
}
