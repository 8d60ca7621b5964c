package sql

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// NodePgPrograms reads the migrations of node-pg-migrate that are programs: they run, with a recorder in place of its builder. Measured with
// node-pg-migrate 9.0 on a server that logs statements; the tests of internal/adapter/realrunners repeat it:
//
//   - The calls of the builder send nothing. After up has ended, each is one message.
//   - A program that calls pgm.noTransaction ends the transaction of the others before its first message, and begins another one after its last.
//   - pgm.db sends at once, on the same connection.
//   - Shorthands of types hold in the migration that exports them, and in later ones.
var NodePgPrograms = jscode.Adapter{
	Framework: Name, Finds: "programs of node-pg-migrate", World: nodePgName,
	Tool: history.Tool{Name: nodePgName, Unit: nodePgUnit, Apart: nodePgApartText},
	Find: findNodePgDirs, ReadSettings: readNodePgSettings, Start: startNodePgMigration,
	IsMigration: jscode.HasUp, Translate: translateNodePgCall,
}

const (
	nodePgName      = "node-pg-migrate"
	nodePgUnit      = "pending files"
	nodePgApartText = "a migration in JavaScript that calls\npgm.noTransaction()"
)

var (
	// nodePgStamped matches the names that its command makes.
	nodePgStamped = lazyregexp.New(`^(?:\d{13}|\d{17})[_-].+\.[cm]?[jt]s$`)
	// nodePgDirectory matches the directory in a command or in settings.
	nodePgDirectory = lazyregexp.New(`(?:(?:\s-m|--migrations-dir)[ =]+|["']?\bmigrations(?:-dir|Dir)['"]?\s*:\s*)["']?([\w./@-]+)`)
	nodePgSettings  = lazyregexp.New(`(?:^|/)(?:config/[\w.-]+|[\w.-]*(?:migrat|node-pg|database|db)[\w.-]*\.(?:json|[cm]?js|[cm]?ts|ya?ml))$`)
	nodePgWord      = lazyregexp.New(`['"]node-pg-migrate['"]`)
	// nodePgRunner matches the directory that a program gives to the tool.
	nodePgRunner    = lazyregexp.New(`\bdir\s*:\s*(?:(?:path\.)?(?:join|resolve)\(\s*__dirname\s*,\s*)?['"]([\w./@-]+)['"]`)
	nodePgApartCall = lazyregexp.New(`\.\s*noTransaction\s*\(\s*\)`)
	nodePgDecamel   = lazyregexp.New(`--decamelize\b(?:[ =]true)?|["']?\bdecamelize["']?\s*:\s*true\b`)
)

// otherTools are the packages of tools whose migrations have such names, too.
var otherTools = []string{"kysely", "knex", "typeorm", "sequelize", "db-migrate", "umzug", "@mikro-orm/core"}

// findNodePgDirs finds the directories of programs in packages that depend on node-pg-migrate.
func findNodePgDirs(t adapter.Tree) []jscode.FoundDirectory {
	return adapter.Memoize(t, "programs of node-pg-migrate", func() []jscode.FoundDirectory {
		var out []jscode.FoundDirectory
		add := func(dir, file string) {
			dir = strings.TrimPrefix(path.Clean("/"+dir), "/")
			isNew := !slices.ContainsFunc(out, func(f jscode.FoundDirectory) bool { return f.Dir == dir })
			if isNew && jscode.HasPrograms(t, dir) {
				out = append(out, jscode.FoundDirectory{Dir: dir, File: file})
			}
		}
		packages := jscode.ListPackages(t, nodePgName)
		var files []*adapter.File
		if len(packages) > 0 {
			files = jscode.ReadSettingFiles(t, nodePgSettings)
		}
		for _, p := range packages {
			text := adapter.ReadFile(t, p.File).Text
			found := nodePgDirectory.FindAllStringSubmatch(text, 20)
			for _, m := range found {
				add(path.Join(p.Dir(), m[1]), p.File)
			}
			for _, f := range files {
				if !strings.HasPrefix(f.Path, p.Dir()) {
					continue
				}
				for _, m := range nodePgDirectory.FindAllStringSubmatch(f.Text, 20) {
					add(path.Join(p.Dir(), m[1]), f.Path)
				}
				if nodePgWord.MatchString(f.Text) {
					for _, m := range nodePgRunner.FindAllStringSubmatch(f.Text, 20) {
						add(path.Join(p.Dir(), m[1]), f.Path)
						add(path.Join(path.Dir(f.Path), m[1]), f.Path)
					}
				}
			}
			if len(found) == 0 && !p.DependsOn(otherTools...) {
				add(path.Join(p.Dir(), "migrations"), p.File)
			}
		}
		for _, d := range adapter.ListDirs(t, adapter.ScriptEndings...) {
			names := slices.DeleteFunc(slices.Clone(d.Names), func(n string) bool { return !nodePgStamped.MatchString(n) })
			if len(names) == 0 {
				continue
			}
			i := slices.IndexFunc(packages, func(p *jscode.Package) bool { return p.Dir() == "" || strings.HasPrefix(d.Path, p.Dir()+"/") })
			switch n, _ := adapter.CountSample(t, d, names, nodePgWord.MatchString); {
			case i >= 0 && (n > 0 || !packages[i].DependsOn(otherTools...)):
				add(d.Path, packages[i].File)
			case n > 0: // another package brings the tool, and the programs import its types
				add(d.Path, d.Join(names[0]))
			}
		}
		return out
	})
}

// readNodePgSettings reads what the tool's object needs to know: whether names are changed, and the shorthands of types of earlier migrations.
func readNodePgSettings(t adapter.Tree) jscode.Settings {
	decamelize := false
	for _, p := range jscode.ListPackages(t, nodePgName) {
		decamelize = decamelize || nodePgDecamel.MatchString(adapter.ReadFile(t, p.File).Text)
	}
	for _, f := range jscode.ReadSettingFiles(t, nodePgSettings) {
		decamelize = decamelize || nodePgDecamel.MatchString(f.Text)
	}
	shorthands := adapter.Memoize(t, "shorthands of node-pg-migrate", func() []shorthand { return readShorthands(t, decamelize) })
	return jscode.Settings{RunSettings: func(program string) string {
		all := map[string]json.RawMessage{}
		for _, s := range shorthands {
			if path.Dir(s.file) == path.Dir(program) && compareVersions(path.Base(s.file), path.Base(program)) < 0 {
				var fileTypes map[string]json.RawMessage
				if json.Unmarshal([]byte(s.types), &fileTypes) == nil {
					for name, v := range fileTypes {
						all[name] = v
					}
				}
			}
		}
		text, _ := json.Marshal(map[string]any{"decamelize": decamelize, "shorthands": all}) // values of JSON have a form
		return string(text)
	}}
}

// shorthand is what a migration exports as shorthands, as JSON.
type shorthand struct{ file, types string }

// readShorthands runs the migrations that have shorthands, and returns these.
func readShorthands(t adapter.Tree, decamelize bool) []shorthand {
	if !jsrun.CanRun() {
		return nil
	}
	var jobs []jsrun.Job
	settings, _ := json.Marshal(map[string]bool{"decamelize": decamelize})
	for _, f := range findNodePgDirs(t) {
		for _, name := range adapter.ListDir(t, f.Dir, adapter.ScriptEndings...).Names {
			file := path.Join(f.Dir, name)
			if strings.Contains(adapter.ReadFile(t, file).Text, "shorthands") {
				jobs = append(jobs, jsrun.Job{Path: file, Tool: nodePgName, Settings: string(settings)})
			}
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	results, _ := jsrun.Run(context.Background(), jscode.FilesOf(t), jobs)
	var out []shorthand
	for i, r := range results {
		for _, c := range r.Calls {
			if len(c.Value.Links) == 2 && c.Value.Links[1].Name == "shorthands" && len(c.Value.Links[1].Arguments) == 1 {
				out = append(out, shorthand{jobs[i].Path, c.Value.Links[1].Arguments[0].Text})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b shorthand) int { return compareVersions(path.Base(a.file), path.Base(b.file)) })
	return out
}

// startNodePgMigration makes a migration of a file, and returns how node-pg-migrate sends it.
func startNodePgMigration(f *adapter.File, s adapter.Source, _ jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := trimExtension(path.Base(f.Path))
	sent := onward.TransactionFile
	if nodePgApartCall.MatchString(f.Text) {
		sent = onward.TransactionNone
	}
	return f.Start(s, name, leadingVersion(name+".sql")), sent
}

// nodePgSilent are calls that send nothing.
var nodePgSilent = map[string]bool{"noTransaction": true, "shorthands": true, "isUsingTransaction": true}

// translateNodePgCall returns what a call of the builder sends.
func translateNodePgCall(call jscode.Value) jscode.Translation {
	if len(call.Links) == 2 && nodePgSilent[call.Links[1].Name] {
		return jscode.Translation{Idle: true}
	}
	return jscode.TranslateSent(call)
}

// readPrograms replaces the migrations of a set that are programs, and not judged, by what a run of them shows.
func (r *runner) readPrograms(ctx context.Context, t adapter.Tree, s adapter.Source, set *adapter.Set) error {
	if r.programs == nil || !slices.ContainsFunc(r.programs.Find(t), func(f jscode.FoundDirectory) bool { return f.Dir == s.Dir }) {
		return nil
	}
	read, err := r.programs.Load(ctx, t, s)
	if err != nil {
		return err
	}
	set.Gaps = append(set.Gaps, read.Gaps...)
	for _, m := range read.Migrations {
		if i := slices.IndexFunc(set.Migrations, func(o *adapter.Migration) bool { return o.Path == m.Path }); i >= 0 {
			set.Migrations[i] = m
		}
	}
	return nil
}

// addProgramDirs adds the directories of programs that a tool runs to the sources, and claims them for this adapter.
func addProgramDirs(t adapter.Tree, out []adapter.Source) []adapter.Source {
	for _, r := range tools {
		if r.programs == nil {
			continue
		}
		for _, s := range r.programs.Detect(t) {
			out = slices.DeleteFunc(out, func(o adapter.Source) bool { return o.Dir == s.Dir })
			out = append(out, s)
		}
	}
	return out
}
