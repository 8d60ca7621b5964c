package cli

import (
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/hook"
)

// hookFlags are the flags of onward hook.
type hookFlags struct {
	tool, schema, stats string
	limit               time.Duration
}

func (a *app) newHookCommand() *cobra.Command {
	var f hookFlags
	cmd := &cobra.Command{
		Use:   "hook",
		Short: "a gate for coding assistants: migrations as CI judges them, and no lost database",
		Long: `Reads the event that a coding assistant gives to its hooks before a tool runs, on standard
input: Claude Code, Cursor, Codex, Copilot, VS Code, and a generic form. onward init --hook
writes the assistant's setting. docs/hook.md has the forms.

An edit of a migration is refused if onward changelog would fail with the file as it will be
after the edit: same configuration, same base. A command that loses data is refused unless its
database is one of onward's throwaway servers, or listed in onward.yaml under hook: disposable.
Make's targets, scripts of a package and shell scripts of the project are read, too.

An edit of another file, and a command without a tool for databases, pass at once. For the rest
each failure is a refusal: an event that cannot be read, a missing base, the time limit.

The migrations of Django and Alembic projects are rendered by their own code, as by onward
changelog. Other code of the repository does not run.

Exit code: 0 not refused, or the answer is JSON for Cursor or Copilot; 2 refused.`,
		Example: `  onward hook < event.json
  onward hook --tool copilot --limit 10s`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runHook(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.tool, "tool", "", "the assistant, for events that do not show it: "+joinNames(hook.Assistants()))
	flags.DurationVar(&f.limit, "limit", hook.DefaultLimit, "the longest time for one event, after which it is refused")
	flags.StringVar(&f.schema, "schema", "", "`file` with the deployed schema, from pg_dump --schema-only")
	flags.StringVar(&f.stats, "stats", "", "`file` with the sizes of tables, from onward stats")
	completeFlag(cmd, "tool", hook.Assistants()...)
	return cmd
}

func (a *app) runHook(cmd *cobra.Command, f *hookFlags) error {
	a.refuses.Store(true)
	assistant := hook.Assistant(f.tool)
	if assistant != "" && !slices.Contains(hook.Assistants(), assistant) {
		return newUsageError("--tool %q is not one of %s", f.tool, joinNames(hook.Assistants()))
	}
	dir, err := os.Getwd()
	if err != nil {
		return newUsageError("the working directory cannot be read: %v", err)
	}
	d := hook.Judge(cmd.Context(), hook.Config{
		Dir: dir, Assistant: assistant, Settings: a.readSettingsFor, Getenv: os.Getenv, Limit: f.limit,
		Deployed: audit.Deployed{Schema: f.schema, Stats: f.stats},
	}, cmd.InOrStdin())
	if a.code, err = d.WriteAnswer(a.out, a.err); err != nil && len(d.Refused) > 0 {
		return newUsageError("the refusal cannot be written: %v", err)
	}
	return nil
}
