package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/first"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/hook"
	"github.com/onward-sql/onward/internal/report/escape"
)

// writeHook writes the setting of an assistant, or takes it out.
func (a *app) writeHook(cmd *cobra.Command, f initFlags) error {
	assistant := cmp.Or(f.hook, f.removeHook)
	switch {
	case f.hook != "" && f.removeHook != "" || f.print || f.baseline:
		return newUsageError("--hook and --remove-hook take no other flag of init")
	case !slices.Contains(first.Assistants(), assistant):
		return newUsageError("%q is not one of %s", assistant, joinNames(first.Assistants()))
	}
	repo, err := gitrange.Open(cmd.Context(), ".")
	if err != nil {
		return err
	}
	defer repo.Close()
	root := repo.Root()
	path, changed, err := first.WriteHook(root, assistant, f.removeHook != "")
	if err != nil {
		return err
	}
	err = a.writeResult(func(w io.Writer) error {
		outcome := "written"
		if f.removeHook != "" {
			outcome = "taken out of"
		}
		if !changed {
			outcome = "nothing to do"
		}
		_, err := fmt.Fprintf(w, "%s: %s\n", outcome, relativeToWorkingDir(filepath.Join(root, filepath.FromSlash(path))))
		return err
	})
	if err != nil || f.removeHook != "" {
		return err
	}
	if err := a.offerDisposableDatabases(root); err != nil {
		return err
	}
	return a.renderMigrationsOnce(cmd.Context(), root)
}

// renderMigrationsOnce renders the migrations of projects whose own code makes their SQL, so that the hook's first answer waits for edited ones
// only. A project that fails is named; the hook tries it again.
func (a *app) renderMigrationsOnce(ctx context.Context, root string) error {
	found, err := first.ReadRepository(ctx, root)
	none := new(audit.NotFoundError)
	switch {
	case errors.As(err, &none):
		return nil
	case err != nil:
		return err
	case !slices.ContainsFunc(found.Migrations, func(m audit.Detected) bool { return m.Renders }):
		return nil
	}
	settings, err := a.readConfigFile()
	if err != nil {
		return err
	}
	release, err := audit.Read(ctx, audit.Config{Dir: root, Settings: settings, Logger: a.newLogger()})
	if err == nil {
		err = release.Close()
	}
	return a.writeResult(func(w io.Writer) error {
		w = escape.Writer{W: w}
		if err != nil {
			_, err := fmt.Fprintf(w, "the project's migrations were not rendered, and the hook will do it: %v\n", err)
			return err
		}
		_, err := fmt.Fprintln(w, "the project's own code has rendered its migrations; the hook renders new ones only")
		return err
	})
}

// offerDisposableDatabases names the databases for development that the hook does not know to be disposable. If the user agrees on a terminal, it
// lists them in onward.yaml, unless that has a part for the hook.
func (a *app) offerDisposableDatabases(root string) error {
	c, err := config.Load(root, audit.Names())
	if err != nil {
		return err
	}
	found, err := hook.FindDevelopmentDatabases(root)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(entry string) bool { return slices.Contains(c.Hook.Disposable, entry) })
	if len(found) == 0 {
		return nil
	}
	part := "hook:\n  disposable:\n"
	for _, entry := range found {
		part += "    - " + strconv.Quote(entry) + "\n"
	}
	input, isFile := a.in.(*os.File)
	if len(c.Hook.Disposable) == 0 && isFile && a.writesToTerminal() && term.IsTerminal(int(input.Fd())) {
		if !askToConfirm(a.in, a.out, "may an assistant's commands lose the data of "+escape.Line(strings.Join(found, ", "))+"?") {
			return nil
		}
		return addToConfig(root, c.Path, part)
	}
	return a.writeResult(func(w io.Writer) error {
		_, err := fmt.Fprintf(escape.Writer{W: w},
			"an assistant's commands may not lose the data of these databases. If they may, add to %s:\n%s", config.Name, part)
		return err
	})
}

// askToConfirm asks a question; every answer but y and yes is no.
func askToConfirm(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprintf(out, "%s [y/N] ", question)
	line, _ := bufio.NewReader(io.LimitReader(in, 100)).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}

// addToConfig adds a part at the end of an onward.yaml, or makes one.
func addToConfig(root, path, part string) error {
	if path == "" {
		return gitrange.CreateFile(root, config.Name, part)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	whole := strings.TrimRight(string(text), "\n") + "\n\n" + part
	if _, err := config.Decode([]byte(whole), path, audit.Names()); err != nil {
		return fmt.Errorf("%s cannot be continued: %w", path, err)
	}
	relPath, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	return gitrange.ReplaceFile(root, filepath.ToSlash(relPath), whole)
}

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
