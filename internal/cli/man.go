package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// Manual returns the whole command line, for programs that describe it: man pages,
// completions, pages of the site. It cannot run a command.
func Manual() *cobra.Command {
	a := &app{out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
	root := a.newRootCommand()
	root.DisableAutoGenTag = true // it has today's date
	return root
}
