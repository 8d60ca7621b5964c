package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// Manual is the whole command line as a value, for programs that describe it: man pages,
// completions, pages of the site. It is not for running.
func Manual() *cobra.Command {
	a := &app{out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
	root := a.newRootCommand()
	root.DisableAutoGenTag = true // it has today's date
	return root
}
