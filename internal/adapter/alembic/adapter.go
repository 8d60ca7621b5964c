package alembic

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/pycode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Name is the framework's name.
const Name = "alembic"

// Adapter implements [adapter.Adapter].
type Adapter struct {
	// Home is the user's own copy of the repository, which has the virtualenvs; "" for the repository of the working
	// directory.
	Home string
	// CacheDir is the directory for results; "" for the user's cache directory, "-" for none.
	CacheDir string
}

var _ adapter.Adapter = (*Adapter)(nil)

// Name is "alembic".
func (*Adapter) Name() string { return Name }

var tool = history.Tool{
	Name: "Alembic", Unit: "pending revisions", KeepsSession: true,
	Apart:    "a block of the revision:\nwith op.get_context().autocommit_block():",
	Renderer: &history.Renderer{Write: formatFix},
}

var habits = adapter.HistoryBehavior{
	Edited:        "Alembic goes by the revision's id and does not run it again",
	Deleted:       "Alembic refuses to start on a database that has recorded it: \"Can't locate revision identified by …\"",
	RecordsLeaves: true,
	Renamed:       "Alembic runs it again: its id is the name",
	Overtaken:     "a database at %s never runs %s: Alembic takes all revisions before the recorded one for applied",
}

// Traits returns the properties of Alembic.
func (*Adapter) Traits() adapter.Traits {
	return adapter.Traits{
		Renders: true, NeedsCommand: true, RunsRender: true, Graph: true, Project: "an Alembic project", Tool: tool, Meaning: pycode.Normalize,
		HistoryTables: []adapter.HistoryTable{{Table: historyTable, Columns: "(version_num varchar(32) PRIMARY KEY)"}},
	}
}

// Looks says what Detect looks for.
func (*Adapter) Looks() string { return "a directory called versions beside env.py" }

// Detect finds directories called versions beside an env.py that have a revision.
func (*Adapter) Detect(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, ".py") {
		if path.Base(d.Path) != "versions" || !adapter.HasFile(t, path.Join(path.Dir(d.Path), "env.py")) {
			continue
		}
		if n, total := adapter.CountSample(t, d, listRevisionFiles(d), revisionID.MatchString); n > 0 {
			out = append(out, adapter.Source{
				Framework: Name, Dir: d.Path, Score: 3, Why: fmt.Sprintf("revisions of Alembic in %d of %d files", n, total),
			})
		}
	}
	return out
}

var revisionID = lazyregexp.New(`(?m)^revision(?:\s*:\s*[^=\n]+)?\s*=\s*["']([^"'\n]+)["']`)

func listRevisionFiles(d adapter.Dir) []string {
	return slices.DeleteFunc(slices.Clone(d.Names), func(name string) bool { return name == "__init__.py" })
}

// Load runs the project's command and returns what it would send. Without a command, nothing runs and the directory is
// listed as not judged.
func (a *Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{
		Source: s, HistoryBehavior: habits, Evidence: adapter.RunnerEvidence{Tool: tool.Name},
		Mends: "alembic revision --autogenerate writes it",
	}
	if !slices.ContainsFunc(adapter.FilesBelow(t, s.Dir), func(p string) bool { return path.Ext(p) == ".py" && path.Base(p) != "__init__.py" }) {
		set.Absent = true
		return set, nil
	}
	if s.Options.Render == "" {
		reason := "render: in onward.yaml names the command that prints the SQL: " + a.PresetCommand(t, s)
		if s.Options.RenderRefused != "" {
			reason = s.Options.RenderRefused
		}
		set.Opaque = []onward.Opaque{{Path: s.Dir, What: "revisions of Alembic", Why: reason}}
		return set, nil
	}
	r, err := a.renderRecord(ctx, t, s)
	var other *dialectError
	if errors.As(err, &other) {
		set.Opaque = []onward.Opaque{{Path: s.Dir, What: "revisions of Alembic", Why: other.Message, Failed: true}}
		return set, nil
	}
	if err != nil {
		return nil, err
	}
	if len(r.Revisions) == 0 && slices.ContainsFunc(a.Detect(t), func(x adapter.Source) bool { return x.Dir == s.Dir }) {
		return nil, &Error{"render at " + t.Name() + ": the command read no revision of " + s.Dir + ": it runs in another project, or not from base to heads"}
	}
	r.addRevisions(set, t)
	return set, nil
}

// addRevisions adds the recorded revisions to a set.
func (r *record) addRevisions(set *adapter.Set, t adapter.Tree) {
	each := r.PerMigration || hasTransactionPerMigration(t, set.Source.Dir)
	set.Together = r.Transactional && !each && set.Source.Options.Transaction == ""
	set.Evidence.Transaction = onward.TransactionFile
	set.Evidence.FoundIn = environmentFile(t, set.Source.Dir)
	for i := range r.Revisions {
		set.Migrations = append(set.Migrations, r.Revisions[i].toMigration(t, set.Source))
	}
	set.History = append(r.reportMultipleHeads(t), reportSharedIDs(t, set.Source.Dir)...)
	set.Gaps = r.Gaps
	set.Count = countRevisions(set.Migrations)
	set.Beyond = func() []adapter.Beyond { return listPythonMigrations(set.Migrations) }
}

// reportMultipleHeads reports several heads, which the command that is used in most projects refuses. It reports none if branches
// have labels, or if the project upgrades to all heads.
func (r *record) reportMultipleHeads(t adapter.Tree) []history.Change {
	followed := map[string]bool{}
	for _, v := range r.Revisions {
		for _, id := range v.Down {
			followed[id] = true
		}
	}
	var heads []revision
	for _, v := range r.Revisions {
		if !followed[v.ID] {
			heads = append(heads, v)
		}
		if len(v.Labels) > 0 {
			return nil
		}
	}
	if len(heads) < 2 || adapter.FindMentioned(t, true, upgradesAll, "heads") != "" {
		return nil
	}
	var names []string
	for _, v := range heads {
		names = append(names, v.ID)
	}
	var out []history.Change
	for _, v := range heads[1:] {
		out = append(out, history.Change{
			Kind: history.Conflict, Migration: v.ID, Path: v.Path, Other: heads[0].ID, Line: 1,
			Detail:  "there are several heads: " + strings.Join(names, ", "),
			Runner:  "alembic upgrade head refuses to run: Multiple head revisions are present",
			Instead: ", or run:\nalembic merge heads",
		})
	}
	return out
}

var upgradesAll = lazyregexp.New(`\bupgrade\b[^\n]{0,40}\bheads\b`)

// environmentFile returns the env.py of a directory of revisions; "" for none.
func environmentFile(t adapter.Tree, dir string) string {
	p, _ := adapter.NearestFile(t, dir, "env.py")
	return p
}

var perMigrationSet = lazyregexp.New(`(?m)^[^#\n]*\btransaction_per_migration["']?\s*[=:]\s*True\b`)

// hasTransactionPerMigration reports whether env.py gives each revision its own transaction. It may do so only for a database, so that
// the recorded run does not show it.
func hasTransactionPerMigration(t adapter.Tree, dir string) bool {
	p := environmentFile(t, dir)
	return p != "" && perMigrationSet.MatchString(adapter.ReadFile(t, p).Text)
}
