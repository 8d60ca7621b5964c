package sql

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Load reads the up migrations of a directory in the order of its runner, else in the
// natural order of their names. A numbered directory in it with an up.sql or a
// migration.sql is a migration too.
func (Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	if s.Options.Own != nil {
		return loadConfigured(ctx, t, s)
	}
	set := &adapter.Set{Source: s}
	p := newMigrationDir(t, s)
	mixed := (p.numbered > 0 || len(p.ups) == 0) && len(listPrograms(t, s.Dir)) > 0
	if mixed {
		p.ups = slices.DeleteFunc(p.ups, func(n string) bool { return isReadByProgram(t, p.Dir, n) })
	}
	tool := detectRunner(p)
	from := p.evidence // files that later checks read are no evidence
	if tool.names != nil {
		p.takeNames(tool, set)
	}
	if tool.list != nil {
		tool.list(p, set)
	}
	adapter.EachParallel(len(p.files), func(i int) { p.files[i].FillNames() })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.addDownFiles()
	session := tool.session != nil && tool.session(p)
	set.Migrations = make([]*adapter.Migration, len(p.files))
	adapter.EachParallel(len(p.files), func(i int) {
		m := tool.makeMigration(p, i, s)
		m.Runner.OwnSession = session
		set.Migrations[i] = m
	})
	expandPsqlCommands(p, set)
	if mixed {
		addPrograms(t, p.Dir, s, set, p.ups)
		if err := tool.readPrograms(ctx, t, s, set); err != nil {
			return nil, err
		}
	}
	p.listOtherFiles(set)
	set.Evidence = tool.describeEvidence(from, set)
	tool.reportSharedNumbers(set)
	set.HistoryBehavior, set.Count = tool.historyBehavior, tool.count
	if tool.finish != nil {
		tool.finish(t, set)
	}
	for _, r := range tools {
		if r != tool && r.left != nil {
			r.left(t, set)
		}
	}
	return set, nil
}

// makeMigration makes a migration of the i-th file.
func (r *runner) makeMigration(p *migrationDir, i int, s adapter.Source) *adapter.Migration {
	up := p.ups[i]
	id := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(up, ".sql"), ".up"), ".tx")
	dir, name := path.Split(up)
	if dir != "" && wholeFile.MatchString(name) {
		id = strings.TrimSuffix(dir, "/")
	}
	if r.id != nil {
		id = r.id(up, id)
	}
	m := p.files[i].Start(s, id, leadingVersion(up))
	m.Repeatable, m.Baseline = isRepeatable(up), isBaseline(up)
	if down := p.downs[up]; down != "" {
		m.DownPath = p.Join(down)
	}
	if m.Failed == "" {
		r.setParts(p, m, p.files[i], up, s.Options)
	}
	return m
}

// describeEvidence says how the runner of a directory is known: by a file that was found, by the form
// of the files' names, or by the markers in single files.
func (r *runner) describeEvidence(evidenceFile string, set *adapter.Set) adapter.RunnerEvidence {
	evidence := adapter.RunnerEvidence{Tool: r.name, FoundIn: evidenceFile, Transaction: r.mode, Assumed: r.assumed && set.Source.Options.Transaction == ""}
	if n := len(set.Migrations); n > 0 {
		last := set.Migrations[n-1]
		if evidence.Assumed && !last.Runner.Guessed {
			evidence.FoundIn, evidence.Assumed = last.Path, false
		}
		evidence.Tool = last.Runner.Name
		if evidence.FoundIn == "" && !r.assumed {
			evidence.FoundIn = "files named like " + path.Base(last.Path)
		}
		if r.mode == "" {
			evidence.Transaction = last.Source.Mode
		}
	}
	evidence.Transaction = cmp.Or(set.Source.Options.Transaction, evidence.Transaction, onward.TransactionNone)
	return evidence
}

// listOtherFiles reports files in the directory that are not migrations.
func (p *migrationDir) listOtherFiles(set *adapter.Set) {
	if p.numbered > 0 {
		for _, n := range listFileNames(p.tree, set.Source, p.Dir) {
			if _, _, undo := isDownName(path.Base(n)); !undo && !isVersioned(path.Base(n)) {
				set.Opaque = append(set.Opaque, onward.Opaque{
					Path: p.Join(n), What: "SQL file without a number among numbered ones",
					Why: "it does not count as a migration",
				})
			}
		}
	}
	for _, n := range adapter.ListDir(p.tree, p.Path, ".SQL", ".Sql").Names {
		set.Opaque = append(set.Opaque, onward.Opaque{
			Path: p.Join(n), What: "SQL file whose name does not end in .sql",
			Why: "the case of letters counts, here and for most runners: it does not count as a migration",
		})
	}
}

// listSourceFiles returns the files of a source's directory, sorted by separateUpsAndDowns, together with those
// of the numbered directories in it, or of all directories if it is deep.
func listSourceFiles(t adapter.Tree, s adapter.Source, d adapter.Dir) (ups []string, downs map[string]string, numbered int) {
	if s.Deep {
		return listDeepFiles(t, s)
	}
	ups, downs, numbered = separateUpsAndDowns(d)
	if inner := listInnerFiles(t, d.Path); len(inner) > 0 {
		if numbered == 0 {
			ups = nil
		}
		ups = append(ups, inner...)
		numbered += len(inner)
		sortVersions(ups)
	}
	return ups, downs, numbered
}

// listFileNames returns the files of a source, migrations or not.
func listFileNames(t adapter.Tree, s adapter.Source, d adapter.Dir) []string {
	if !s.Deep {
		return d.Names
	}
	return slices.DeleteFunc(adapter.FilesOf(t, s), func(n string) bool { return !strings.HasSuffix(n, ".sql") })
}

// listInnerFiles lists the migrations of a directory that has a directory for each.
func listInnerFiles(t adapter.Tree, dir string) []string {
	var out []string
	for _, rest := range adapter.FilesBelow(t, dir) {
		if d, name, found := strings.Cut(rest, "/"); found && versionedDir.MatchString(d) && wholeFile.MatchString(name) {
			out = append(out, rest)
		}
	}
	return out
}
