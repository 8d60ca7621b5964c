package cli

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/lsp"
)

func (a *app) newLSPCommand() *cobra.Command {
	var schema, stats string
	cmd := &cobra.Command{
		Use:   "lsp",
		Short: "a language server: findings in your editor",
		Long: `Speaks the language server protocol with an editor, on standard input and output: findings while
you type a migration; on hover the locks of a statement and the schema at the cursor; safe
forms and suppressions as code actions. docs/editors.md has the configuration for editors.

A migration is judged as onward changelog judges it, with the editor's unsaved texts: SQL, and the
programs that onward reads (JavaScript, TypeScript, Ruby, yoyo's Python, goose's Go). Those in
JavaScript and TypeScript run in an interpreter that reaches nothing. Django's and Alembic's are not
judged. No other code of the repository runs, nothing is written there, and no server is asked.

Exit code: 0 if the editor ended the session, 1 if the editor vanished first.`,
		Example: `  onward lsp
  onward lsp --stats sizes.json`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.flags.output != "" {
				return newUsageError("the editor reads the standard output: leave out --output")
			}
			jsrun.KeepForSession()
			err := lsp.Serve(cmd.Context(), lsp.Config{
				Version: readBuild().Version, Deployed: audit.Deployed{Schema: schema, Stats: stats}, Logger: a.newLogger(),
				Settings: a.readSettingsFor, Judged: a.collector.paceSession,
				Explain: func(rule string) (string, error) {
					p, err := rulePage(rule)
					if err != nil {
						return "", err
					}
					return strings.TrimSpace(p.FormatBody()), nil
				},
			}, cmd.InOrStdin(), a.out)
			if errors.Is(err, lsp.ErrEnd) || errors.Is(err, io.ErrUnexpectedEOF) {
				a.printNote("%v", err)
				a.code, err = exitFindings, nil // what the protocol asks for
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&schema, "schema", "", "`file` with the deployed schema, from pg_dump --schema-only")
	flags.StringVar(&stats, "stats", "", "`file` with the sizes of tables, from onward stats")
	flags.Bool("stdio", true, "standard input and output, which is all there is: some editors add it")
	return cmd
}

// readSettingsFor returns the configuration that holds for a directory, or the one that was named.
func (a *app) readSettingsFor(dir string) (*config.Config, error) {
	if a.flags.config != "" {
		return a.readConfigFile()
	}
	return config.Load(dir, audit.Names())
}
