package sql

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Load reads the ways up of a directory in the natural order of their names;
// a numbered directory in it with an up.sql or a migration.sql is one of them.
func (Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{Source: s}
	d := adapter.ListDir(t, s.Dir, ".sql")
	ups, downs, numbered := members(t, s, d)
	mixed := numbered > 0 && len(programs(t, s.Dir)) > 0
	if mixed {
		ups = slices.DeleteFunc(ups, func(n string) bool { return ofProgram(t, d, n) })
	}
	by := runnerOf(t, d, ups)
	ups = by.passedOver(set, d, ups)
	files := adapter.ReadFiles(t, d, ups)
	if by == "" {
		by = byMarkers(t, d, files, ups)
	}
	apart := false
	if by == "" {
		by, apart = unnamed(t, s.Dir)
	}
	switch by {
	case atlas:
		ups, files = withoutCheckpoints(ups, files)
	case byLiquibase:
		inChangelog(t, s.Dir, ups)
		files = adapter.ReadFiles(t, d, ups)
	}
	if by.asTexts() && !slices.IsSorted(ups) {
		slices.Sort(ups)
		files = adapter.ReadFiles(t, d, ups)
	}
	adapter.Each(len(files), func(i int) { files[i].FillNames() })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range ups {
		if dir, file := path.Split(ups[i]); dir != "" && file == "up.sql" && adapter.Has(t, d.Join(dir+"down.sql")) {
			downs[ups[i]] = dir + "down.sql"
		}
	}
	set.Migrations = make([]*adapter.Migration, len(files))
	mixedAt := make([]int, len(files)) // in Flyway's sense
	adapter.Each(len(files), func(i int) {
		f := files[i]
		id, name := strings.TrimSuffix(ups[i], ".sql"), ups[i]
		id = strings.TrimSuffix(strings.TrimSuffix(id, ".up"), ".tx")
		if dir, file := path.Split(name); dir != "" {
			switch name = file; {
			case wholeFile.MatchString(file):
				id = strings.TrimSuffix(dir, "/")
			case by == byFlyway:
				id = strings.TrimSuffix(file, ".sql") // the directory counts for nothing
			}
		}
		if by == pop {
			// It records versions: what else the name says may change.
			id, _, _ = strings.Cut(id, ".")
		}
		m := f.Start(s, id, version(ups[i]))
		m.Repeatable = repeatable(ups[i])
		if down := downs[ups[i]]; down != "" {
			m.DownPath = d.Join(down)
		}
		m.Runner.OwnSession = apart
		mixedAt[i] = by.load(t, m, f, name, s.Options)
		if name == "up.sql" && bare(t, path.Dir(m.Path)) {
			// Diesel sends the file as one message all the same.
			m.Seal(onward.TransactionMessage, s.Options, "")
			m.Runner.Rerun = true
		}
		if by == diesel && name == "up.sql" && m.Failed == "" && blank(f.Text) {
			m.Problems = append(m.Problems, refusal("the file has no statement: Diesel takes that for an error",
				"the migration fails: \"Received an empty query\"", "write a statement that does nothing, as SELECT 1, or take the migration out"))
		}
		set.Migrations[i] = m
	})
	if by == byFlyway {
		if !flywayConfigured(t).mixed {
			refuseMixed(set.Migrations, mixedAt)
		}
		hangs(t, set)
	}
	if mixed {
		addPrograms(t, d, s, set, ups)
	}
	if numbered > 0 {
		for _, n := range names(t, s, d) {
			if _, _, undo := undoes(path.Base(n)); !undo && !isVersioned(path.Base(n)) {
				set.Opaque = append(set.Opaque, onward.Opaque{
					Path: d.Join(n), What: "SQL file without a number among numbered ones",
					Why: "it was not taken for a migration",
				})
			}
		}
	}
	for _, n := range adapter.ListDir(t, s.Dir, ".SQL", ".Sql").Names {
		set.Opaque = append(set.Opaque, onward.Opaque{
			Path: d.Join(n), What: "SQL file whose name does not end in .sql",
			Why: "the case of letters counts, here and for most runners: it was not taken for a migration",
		})
	}
	if by == dbmate {
		dbmateRefuses(set)
	}
	by.numbered(set)
	by.apply(t, set)
	if by != drizzle {
		journalOf(t, d.Path).left(set)
	}
	return set, nil
}

// members are the files of a source's directory as forward sorts them, with those
// of the numbered directories in it, or of all.
func members(t adapter.Tree, s adapter.Source, d adapter.Dir) (ups []string, downs map[string]string, numbered int) {
	if s.Deep {
		return deep(t, d.Path)
	}
	ups, downs, numbered = forward(d)
	if inner := innerFiles(t, d.Path); len(inner) > 0 {
		if numbered == 0 {
			ups = nil
		}
		ups = append(ups, inner...)
		numbered += len(inner)
		slices.SortFunc(ups, order)
	}
	return ups, downs, numbered
}

// names are the files of a source, whether they are migrations or not.
func names(t adapter.Tree, s adapter.Source, d adapter.Dir) []string {
	if !s.Deep {
		return d.Names
	}
	return slices.DeleteFunc(slices.Clone(adapter.Below(t, d.Path)), func(n string) bool { return !strings.HasSuffix(n, ".sql") })
}

// innerFiles lists the migrations of a directory that has a directory for each.
func innerFiles(t adapter.Tree, dir string) []string {
	var out []string
	for _, rest := range adapter.Below(t, dir) {
		if d, name, found := strings.Cut(rest, "/"); found && versionedDir.MatchString(d) && wholeFile.MatchString(name) {
			out = append(out, rest)
		}
	}
	return out
}

// blank reports whether a file has nothing but comments.
func blank(text string) bool {
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v;")
		end := "\n"
		switch {
		case text == "":
			return true
		case strings.HasPrefix(text, "/*"):
			end = "*/"
		case !strings.HasPrefix(text, "--"):
			return false
		}
		_, text, _ = strings.Cut(text, end)
	}
}

var noTransaction = regexp.MustCompile(`(?m)^\s*run_in_transaction\s*=\s*false\b`)

// bare reports whether Diesel's metadata beside a migration switches its
// transaction off.
func bare(t adapter.Tree, dir string) bool {
	p := dir + "/metadata.toml"
	return adapter.Has(t, p) && noTransaction.MatchString(adapter.ReadFile(t, p).Text)
}

// load gives a migration its parts and mode. mixed is what flywayMode says of the
// file, -1 where it is not Flyway's.
func (r runner) load(tree adapter.Tree, m *adapter.Migration, f *adapter.File, name string, o adapter.Options) (mixed int) {
	mixed = -1
	if f.Failed != "" {
		return mixed
	}
	mode, cuts, hash := r.mode(), true, ""
	regions := [][2]int{{0, len(f.Text)}}
	m.Runner.Name, m.Runner.Unit, m.Runner.Apart = words[r].name, words[r].unit, words[r].apart
	t, lines := toolOf(f.Text)
	switch {
	case r == byLiquibase && liquibaseHead.MatchString(f.Text):
		liquibase(m, o)
		return mixed
	case r == supabase: // whatever a file looks like
	case r == drizzle:
		regions = pieces(f.Text)
	case r == pop:
		cuts = false
		if strings.Contains(name, ".autocommit.") {
			mode = onward.TransactionMessage
			m.Runner.Rerun = true
		}
	case t == nil && r == tern:
		if matches(ternAlone, hintedLines(f.Text)) {
			mode = onward.TransactionNone
			m.Runner.Rerun = true
		}
	case t != nil:
		regions, _ = t.ways(lines, len(f.Text))
		mode, cuts = t.mode, t.cuts
		if matches(t.off, lines) {
			mode = t.none
			m.Runner.Rerun = true
		}
	case r == atlas:
		mode, m.Runner.Resumes = atlasMode(f.Text), true
	case r == refinery:
		cuts, hash = false, f.Text
	case r == nodePg:
		cuts = false
	case flyway(m.Path, name):
		mode, mixed = flywayMode(tree, m.Path, f.Text)
		hash = flywayHash(f.Text)
	case r == psqlText:
		cuts = false
	case r == byProgram:
		cuts = false
		if p := programOf(tree, path.Dir(m.Path)); p != nil {
			mode, m.Runner.Name = p.mode, p.path
			m.Runner.Apart = "a file of its own, which " + p.path + " runs outside of its transaction"
			if mode == onward.TransactionMessage {
				m.Runner.Apart = words[psqlText].apart
			}
		}
	case name == "migration.sql": // Prisma: one message
		mode, cuts = onward.TransactionMessage, false
	case name == "up.sql", strings.HasSuffix(name, ".tx.up.sql"): // Diesel; go-pg and bun
		mode, cuts = onward.TransactionFile, false
	default:
		m.Runner.Guessed = r == "" && o.Transaction == ""
		m.Source.Psql = (r == "" || r == psqlOnce) && o.Transaction != onward.TransactionMessage && o.Transaction != onward.TransactionPipeline
	}
	if t != nil && t.lines && r == bySQLMigrate && strings.Contains(f.Text, command) {
		m.Source.Parts, m.Problems = sqlMigrate(f.Text)
		m.Seal(mode, o, hash)
		return mixed
	}
	for _, r := range regions {
		if p := adapter.Part(f.Text, r[0], r[1]); p.SQL != "" {
			p.Message = !cuts
			m.Source.Parts = append(m.Source.Parts, p)
		}
	}
	m.Seal(mode, o, hash)
	return mixed
}
