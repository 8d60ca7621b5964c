package cli

import (
	"bytes"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
)

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
