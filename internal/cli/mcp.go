package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/lsp"
	"github.com/onward-sql/onward/internal/mcp"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// mcpFlags are the flags of onward mcp.
type mcpFlags struct {
	databaseFlags
	programs bool
	limit    time.Duration
}

func (a *app) newMCPCommand() *cobra.Command {
	var f mcpFlags
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "a server of tools for coding assistants: what the commands say, read-only",
		Long: `Speaks the Model Context Protocol with a coding assistant, on standard input and output. The tools
are changelog, check, locks, explain, plan, schema, verify and release. Each answers with the
JSON of its command and a text. Texts that are not saved yet can be judged. docs/mcp.md has the
settings of assistants.

No tool writes a file of the repository or changes a database. Paths outside of the repository
are refused. No code of the repository runs, unless you add --allow-project-programs: without it
the migrations that only the project's own code can render are not read. The proof of a plan,
and the check of recordings, use a throwaway Postgres.

--db is for the tool release: it reads the plans on that database, as onward status does.

Exit code: 0 the assistant ended the session, 2 usage.`,
		Example: `  onward mcp
  onward mcp --stats sizes.json --db env:DATABASE_URL`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveMCP(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.programs, "allow-project-programs", false, "let the project's own code run, to render its migrations (Django, Alembic, render:, capture:)")
	flags.StringVar(&f.schema, "schema", "", "`file` with the deployed schema, from pg_dump --schema-only")
	flags.StringVar(&f.stats, "stats", "", "`file` with the sizes of tables, from onward stats")
	flags.StringVar(&f.db, "db", "", "`address` of the database whose plans the tool release may read, @FILE or env:NAME; nothing is changed there")
	flags.DurationVar(&f.limit, "limit", mcp.DefaultLimit, "the longest time for one call")
	return cmd
}

func (a *app) serveMCP(cmd *cobra.Command, f *mcpFlags) error {
	if a.flags.output != "" {
		return newUsageError("the assistant reads the standard output: leave out --output")
	}
	if f.limit <= 0 {
		return newUsageError("--limit %v: write a time such as 2m", f.limit)
	}
	dir, err := os.Getwd()
	if err != nil {
		return newUsageError("the working directory cannot be read: %v", err)
	}
	c := mcp.Config{
		Version: readBuild().Version, Dir: dir, AllowPrograms: f.programs, Deployed: audit.Deployed{Schema: f.schema, Stats: f.stats}, Limit: f.limit,
		Settings: a.readSettingsFor, Explain: a.findRuleRecord, SuggestNext: suggestPlan, Logger: a.newLogger(),
	}
	if f.db != "" {
		url, err := a.readAddress(f.db)
		if err != nil {
			return err
		}
		c.ReadPlans = func(ctx context.Context) ([]*onward.Applied, error) { return readPlans(ctx, cmd, url) }
	}
	if a.collector != nil {
		a.collector.stopPacing()
	}
	if a.out == os.Stdout {
		os.Stdout = os.Stderr // only the protocol may write there
	}
	err = mcp.Serve(cmd.Context(), c, io.NopCloser(cmd.InOrStdin()), keepOpen{a.out})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// keepOpen is a writer that the protocol does not close.
type keepOpen struct{ io.Writer }

// Close does nothing.
func (keepOpen) Close() error { return nil }

// readPlans reads the plans on a database, as onward status prints them.
func readPlans(ctx context.Context, cmd *cobra.Command, url string) ([]*onward.Applied, error) {
	plans, err := apply.ReadSchemaPlans(ctx, url, "")
	var list []*onward.Applied
	for _, p := range plans {
		p.Applied.Next = fillAddress(cmd, p.Applied.Next)
		list = append(list, p.Applied)
	}
	return list, err
}

// findRuleRecord returns a rule as onward rules lists it, and its page.
func (a *app) findRuleRecord(name string) (record any, text string, err error) {
	p, err := rulePage(name)
	if err != nil {
		return nil, "", err
	}
	c, err := a.readConfigFile()
	if err != nil {
		return nil, "", err
	}
	list := listRules(c)
	i := slices.IndexFunc(list, func(r ruleInfo) bool { return r.ID == p.Rule.ID })
	if i < 0 {
		return map[string]string{"id": p.Rule.ID}, p.FormatMarkdown(), nil
	}
	return list[i], p.FormatMarkdown(), nil
}

// suggestPlan sets the next command of a report as onward changelog does for two revisions.
func suggestPlan(r *onward.Report, base, head, pg string) {
	if len(r.Rehearsals) > 0 || !isPlannable(r) {
		return
	}
	words := []string{"onward plan"}
	for _, f := range []struct{ name, value string }{{"--base", base}, {"--head", head}, {"--pg", pg}} {
		if f.value != "" {
			words = append(words, f.name+" "+escape.QuoteShell(f.value))
		}
	}
	r.Summary.Next = slices.Insert(r.Summary.Next, 0, strings.Join(words, " "))
}

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
