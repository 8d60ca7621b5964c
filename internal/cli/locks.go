package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// maxSQL bounds what is read: 64 MB.
const maxSQL = 64 << 20

func (a *app) newLocksCommand() *cobra.Command {
	var sql, pg string
	var f databaseFlags
	cmd := &cobra.Command{
		Use:   "locks [FILE | - | -e SQL]",
		Short: "what each statement locks, and what it does under the lock",
		Long: `Prints for each statement the relations that it locks, the lock mode, its work under the lock,
and who waits. If versions of Postgres differ, it prints each. Without --schema or --db, onward
assumes that every table exists and is big.`,
		Example: `  onward locks -e 'ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id)' --schema schema.sql
  onward locks change.sql --pg 13`,
		Args: checkArguments(0, 1, "one file, - for standard input, or -e SQL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON)
			if err != nil {
				return err
			}
			settings, err := a.auditConfig(&auditFlags{pg: pg})
			if err != nil {
				return err
			}
			switch {
			case sql != "" && len(args) > 0:
				return newUsageError("-e and a file contradict each other")
			case sql == "" && len(args) == 0:
				return newUsageError("which statement? Name a file, - for standard input, or write -e 'TRUNCATE orders'")
			case sql == "":
				if sql, err = readInput(args[0], cmd.InOrStdin()); err != nil {
					return err
				}
			}
			deployed, err := a.readDeployed(&f)
			if err != nil {
				return err
			}
			found, err := audit.Locks(cmd.Context(), audit.LocksConfig{
				SQL: sql, Deployed: deployed, Settings: settings,
			})
			if err != nil {
				return err
			}
			if slices.ContainsFunc(found, func(l onward.Locks) bool { return len(l.Variants) == 0 }) {
				a.code = exitFailed // what cannot be read may lock anything
			}
			return a.writeResult(func(w io.Writer) error {
				return report.WriteLocks(w, format, found, options)
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&sql, "execute", "e", "", "the `SQL` itself")
	f.addDatabaseFlags(cmd)
	flags.StringVar(&pg, "pg", "", "major `versions` of Postgres: 17, 14..17 or 14,16")
	return cmd
}

// readInput reads a file, or standard input for "-".
func readInput(name string, stdin io.Reader) (string, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) && strings.Contains(strings.TrimSpace(name), " ") {
			return "", newUsageError("there is no file %q; for SQL itself: onward locks -e '%s'", name, strings.ReplaceAll(name, "'", `'\''`))
		}
		if err != nil {
			return "", &config.InputError{Err: err}
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSQL+1))
	if err != nil {
		return "", &config.InputError{Err: err}
	}
	if len(data) > maxSQL {
		return "", newUsageError("%s is larger than %d MB", name, maxSQL>>20)
	}
	return string(data), nil
}
