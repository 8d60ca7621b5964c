package hook

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// judgeFiles judges edits of files. Edits of files that cannot be migrations pass before any step that could fail.
func (r *reader) judgeFiles(list []fileEdit, dir string) {
	var concerned []fileEdit
	for _, f := range list {
		paths := []string{f.path}
		if f.movedTo != "" {
			paths = append(paths, f.movedTo)
		}
		if slices.ContainsFunc(paths, func(p string) bool { return mayBeMigration(resolveEdited(dir, p, f.deleted), f.knownTexts(dir)...) }) {
			concerned = append(concerned, f)
		}
	}
	if len(concerned) == 0 {
		return
	}
	texts, err := applyEdits(dir, concerned)
	if err != nil {
		r.refuseUnknown(concerned, dir, err)
		return
	}
	for name, text := range texts {
		if filepath.Base(name) == config.Name {
			r.judgeSettings(name, text)
		}
	}
	r.judgeTexts(texts)
}

// knownTexts returns the texts of an edit and of its file.
func (f *fileEdit) knownTexts(dir string) []string {
	var out []string
	if now, err := readFileIfExists(joinPath(dir, f.path)); err == nil && now != nil {
		out = append(out, *now)
	}
	if f.content != nil {
		out = append(out, *f.content)
	}
	for _, p := range f.replaced {
		out = append(out, p.after)
	}
	for _, h := range f.hunks {
		out = append(out, strings.Join(h.after, "\n"))
	}
	return out
}

// refuseUnknown refuses edits whose new text is not known, if one of the files is a migration.
func (r *reader) refuseUnknown(list []fileEdit, dir string, reason error) {
	texts := edited{}
	for _, f := range list {
		path := resolveEdited(dir, f.path, f.deleted)
		now, err := readFileIfExists(path)
		if err != nil || now == nil {
			now = new(string)
		}
		texts[path] = now
		if filepath.Base(path) == config.Name {
			r.decision.refuse("%v", reason)
			return
		}
	}
	hasMigrations, err := r.readReleases(texts, func(*audit.Release, []string) error { return nil })
	switch {
	case err != nil:
		r.decision.refuse("%v; and it cannot be said whether the file is a migration: %v", reason, err)
	case hasMigrations:
		r.decision.refuse("%v", reason)
	}
}

// judgeSettings refuses an edit that lists more databases as disposable: that is a person's decision.
func (r *reader) judgeSettings(name string, text *string) {
	if text == nil {
		return
	}
	after, err := config.Decode([]byte(*text), name, audit.Names())
	if err != nil {
		if strings.Contains(*text, "disposable") {
			r.decision.refuse("the edited %s cannot be read: %v", config.Name, err)
		}
		return
	}
	var before []string
	if now, err := readFileIfExists(name); err == nil && now != nil {
		if c, err := config.Decode([]byte(*now), name, audit.Names()); err == nil {
			before = c.Hook.Disposable
		}
	}
	for _, entry := range after.Hook.Disposable {
		if !slices.Contains(before, entry) {
			r.decision.refuse("the edit lists %s as disposable, which lets its data be lost: a person makes that change", entry)
		}
	}
}

// judgeTexts gives the verdict of the release for edited files.
func (r *reader) judgeTexts(texts edited) {
	_, err := r.readReleases(texts, func(release *audit.Release, paths []string) error {
		report, err := release.Audit()
		if err != nil {
			return err
		}
		r.addFindings(report, release, paths)
		return nil
	})
	if err != nil {
		r.decision.refuse("the migration cannot be judged: %v", err)
	}
}

// addFindings refuses the findings on some files.
func (r *reader) addFindings(report *onward.Report, release *audit.Release, paths []string) {
	settings := release.Settings()
	for _, f := range report.Findings {
		if !slices.Contains(paths, f.Path) {
			continue
		}
		text := fmt.Sprintf("%s  %s  %s:%d\n  %s\n  %s", f.Severity, f.Rule, f.Path, f.Line, f.Fact, f.Harm)
		if f.Instead != "" {
			text += "\n  instead: " + strings.ReplaceAll(f.Instead, "\n", "\n    ")
		}
		if settings.FailOn.Reached(f.Severity) {
			r.decision.refuse("%s", text)
		} else if f.Severity >= onward.Warning {
			r.decision.Notes = append(r.decision.Notes, text)
		}
	}
	for _, o := range report.Opaque {
		isIn := func(p string) bool { return p == o.Path || o.Path == "." || strings.HasPrefix(p, o.Path+"/") }
		if !slices.ContainsFunc(paths, isIn) {
			continue
		}
		text := fmt.Sprintf("not judged: %s, %s: %s", o.Path, o.What, o.Why)
		if o.Failed && !settings.Accepts(o.Path) {
			r.decision.refuse("%s", text)
		} else {
			r.decision.Notes = append(r.decision.Notes, text)
		}
	}
}

// readReleases reads the release of each repository with the edited files, and calls judge with the files that are
// migrations of it. hasMigrations reports whether one of the files is a migration.
func (r *reader) readReleases(texts edited, judge func(*audit.Release, []string) error) (hasMigrations bool, err error) {
	byRepository := map[string][]string{}
	for name := range texts {
		dir := nearestExistingDir(name)
		if r.isOutsideRepositories(dir) {
			continue
		}
		byRepository[findRepository(dir)] = append(byRepository[findRepository(dir)], name)
	}
	for dir, names := range byRepository {
		settings, err := r.c.Settings(nearestExistingDir(names[0]))
		if err != nil {
			return hasMigrations, err
		}
		edits := audit.Edits{}
		var paths []string
		runs := false
		for _, name := range names {
			rel, err := filepath.Rel(dir, name)
			if err != nil || !filepath.IsLocal(rel) {
				continue
			}
			edits[filepath.ToSlash(rel)] = texts[name]
			paths = append(paths, filepath.ToSlash(rel))
			runs = runs || filepath.Ext(name) == ".py"
		}
		release, err := audit.Read(r.ctx, audit.Config{Dir: dir, Settings: settings, Deployed: r.c.Deployed, Edits: edits, Still: !runs})
		none := new(audit.NotFoundError)
		if errors.As(err, &none) {
			continue // no directory of migrations
		}
		if err != nil {
			return hasMigrations, err
		}
		paths = slices.DeleteFunc(paths, func(p string) bool { return !release.Holds(p) })
		if len(paths) > 0 {
			hasMigrations = true
			err = judge(release, paths)
		}
		if err = errors.Join(err, release.Close()); err != nil {
			return hasMigrations, err
		}
	}
	return hasMigrations, nil
}

// isOutsideRepositories reports whether a directory is in no repository, and outside of the one where the assistant works: /tmp.
func (r *reader) isOutsideRepositories(dir string) bool {
	relative, err := filepath.Rel(filepath.Dir(resolveDirLinks(filepath.Join(r.event.dir, "file"))), dir)
	return (err != nil || !filepath.IsLocal(relative)) && !fileExists(filepath.Join(findRepository(dir), ".git"))
}

// findRepository returns the directory of the repository around a directory, or the directory itself.
func findRepository(dir string) string {
	for current := dir; ; current = filepath.Dir(current) {
		if fileExists(filepath.Join(current, ".git")) {
			return current
		}
		if current == filepath.Dir(current) {
			return dir
		}
	}
}

var (
	// migrationDirs are directories of migrations by their names, whatever the language.
	migrationDirs = lazyregexp.New(`(?i)migrat|alembic|changelog|liquibase|flyway|evolutions|sqitch|changesets`)
	// databaseDirs have files of SQL that may be migrations.
	databaseDirs = lazyregexp.New(`(?i)^(db|database|sql|ddl|schema|schemas|versions|revisions|deploy|revert|patches|updates?|upgrades?|deltas?|` +
		`changes|supabase|prisma|drizzle|hasura|postgres|postgresql|pg)$`)
	// programs are endings of files that may be migrations.
	programs = lazyregexp.New(`(?i)\.(sql|ddl|pgsql|psql|pg|py|rb|php|[cm]?[jt]sx?|go|java|kts?|scala|exs?|cs|xml|ya?ml|` +
		`json|toml|hcl|plan|j2|jinja2?|tmpl|mustache|erb)$`)
	// statements matches DDL and DML in the text of a file.
	statements = lazyregexp.New(`(?i)\b(create|alter|drop|truncate|rename)\s+(unlogged\s+|unique\s+|temp\s+|or\s+replace\s+|materialized\s+)*` +
		`(table|index|view|schema|type|domain|sequence|function|procedure|trigger|policy|extension|column|role|database|publication)\b|` +
		`(?m)^\s*(update\s+\S+\s+set|delete\s+from|truncate|insert\s+into)\b`)
	// numbered matches the names of versioned files: V1__a.sql, 0001_a.sql, R__views.sql.
	numbered = lazyregexp.New(`(?i)^([VUR]?\d+[._-]|R__|\d+$)`)
	// markers are in the text of migrations as programs.
	markers = lazyregexp.New(`(?i)from alembic import|import alembic|migrations\.Migration\b|django\.db\.migrations|ActiveRecord::Migration|` +
		`Illuminate\\Database\\Migrations|MigrationInterface|goose\.Add|\+goose|use Ecto\.Migration|queryInterface|MigrationBuilder|` +
		`exports\.up\b|export (const|async function|function) up\b|databaseChangeLog|liquibase formatted|BaseJavaMigration|@ChangeSet|` +
		`AbstractMigration|extends Migration\b|migrate:up|Schema::(create|table)|pgm\.|knex\.schema`)
	configuredDir = lazyregexp.New(`(?m)^[\s-]*dir:\s*["']?([^"'#\n]+)`)
)

// mayBeMigration reports whether a file may be a migration, by its name and its texts. If in doubt it returns true;
// the decision follows from reading the repository.
func mayBeMigration(path string, texts ...string) bool {
	if base := filepath.Base(path); base == config.Name {
		return true
	}
	if isInConfiguredDir(path) {
		return true
	}
	if !programs.MatchString(path) {
		return false
	}
	isSQL := strings.HasSuffix(strings.ToLower(path), "sql") || strings.HasSuffix(strings.ToLower(path), ".ddl")
	if isSQL && numbered.MatchString(filepath.Base(path)) {
		return true
	}
	dirs := dirsInRepository(path)
	for _, part := range dirs {
		if migrationDirs.MatchString(part) || isSQL && databaseDirs.MatchString(part) {
			return true
		}
	}
	for _, text := range texts {
		if markers.MatchString(text) || isSQL && statements.MatchString(text) {
			return true
		}
	}
	return false
}

// dirsInRepository returns the directories of a path in its repository, or all if it is in none.
func dirsInRepository(path string) []string {
	var out []string
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			break
		}
		out = append(out, filepath.Base(dir))
	}
	return out
}

// isInConfiguredDir reports whether an onward.yaml names the directory of a file. The file is not parsed, so that a mistake
// in it matters only for migrations.
func isInConfiguredDir(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if data, err := os.ReadFile(filepath.Join(dir, config.Name)); err == nil {
			for _, m := range configuredDir.FindAllStringSubmatch(string(data), -1) {
				if rel, err := filepath.Rel(filepath.Join(dir, filepath.FromSlash(strings.TrimSpace(m[1]))), path); err == nil && filepath.IsLocal(rel) {
					return strings.TrimSpace(m[1]) != "." || programs.MatchString(path)
				}
			}
			return false
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}
