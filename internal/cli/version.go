package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/onward"
)

// The linker sets these in releases. In other builds readBuild takes the commit from the Go command's build information.
var version, commit, date string

// short is the number of characters of a commit's id that are printed.
const short = 12

// grammar is the major version of Postgres whose grammar the parser uses.
const grammar = "18"

// build is the output of onward version.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
	Go      string `json:"go"`
	Parser  string `json:"parser"`
	Grammar string `json:"grammar"`
	Oldest  int    `json:"oldest_postgres"`
	Newest  int    `json:"newest_postgres"`

	revision string // the whole id of the commit
}

func (a *app) newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "the version of onward, of Go, and of the grammar",
		Args:  checkArguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			format, err := a.chosenFormat(report.FormatTerminal, report.FormatJSON)
			if err != nil {
				return err
			}
			b := readBuild()
			return a.writeResult(func(w io.Writer) error {
				if format == report.FormatJSON {
					return machine.WriteJSON(w, b)
				}
				about := ""
				if b.Commit != "" {
					about = " (" + b.Commit + " of " + b.Date + ")"
				}
				_, err := fmt.Fprintf(w, "onward %s%s\nPostgres %d to %d, grammar of Postgres %s (%s)\n%s\n",
					b.Version, about, b.Oldest, b.Newest, b.Grammar, b.Parser, b.Go)
				return err
			})
		},
	}
}

// readBuild reads what the linker and the Go command wrote into the binary.
func readBuild() build {
	b := build{
		Version: version, revision: commit, Date: date, Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Parser: "oliphant", Grammar: grammar, Oldest: onward.OldestMajor, Newest: onward.PreviewMajor,
	}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if b.Version == "" {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.revision = s.Value
			case "vcs.time":
				b.Date = s.Value
			}
		}
		for _, d := range info.Deps {
			if d.Path == "github.com/sqlc-dev/oliphant" {
				b.Parser = "oliphant " + d.Version
			}
		}
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "development"
	}
	b.Commit = b.revision[:min(short, len(b.revision))]
	return b
}

// Manual returns the whole command line, for programs that describe it: man pages,
// completions, pages of the site. It cannot run a command.
func Manual() *cobra.Command {
	a := &app{out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
	root := a.newRootCommand()
	root.DisableAutoGenTag = true // it has today's date
	return root
}
