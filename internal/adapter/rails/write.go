package rails

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var (
	namedVersion = lazyregexp.New(`<\s*(?:::)?ActiveRecord::Migration(\[\d+\.\d+\])`)
	frozen       = lazyregexp.New(`\A# frozen_string_literal: true\b`)
	acronym      = lazyregexp.New(`\.acronym\s*\(?\s*["'](\w+)["']`)
	checksSafety = lazyregexp.New(`\bstrong_migrations\b`)
	unfitSlug    = lazyregexp.New(`[^a-z0-9]+`)
)

// writer composes migrations of an application.
type writer struct {
	// version is what follows ActiveRecord::Migration in the newest migration, such as "[7.1]".
	version string
	// frozen is set if the newest migration begins with the comment about literals.
	frozen bool
	// assured is set if the application has strong_migrations, which refuses SQL unless it is in safety_assured.
	assured bool
	// acronyms are the application's own, by their lower case.
	acronyms map[string]string
	calls    callFormatter
}

// Form describes how Rails expects a migration to be written: with the version of the newest one. nil if there is none.
func (Adapter) Form(t adapter.Tree, set *adapter.Set) *adapter.Form {
	if len(set.Migrations) == 0 {
		return nil
	}
	newest := strings.TrimSuffix(set.Migrations[len(set.Migrations)-1].Path, path.Ext(set.Migrations[len(set.Migrations)-1].Path)) + ".rb"
	p := readProject(t, set.Source.Dir)
	text := adapter.ReadFile(t, newest).Text
	w := &writer{frozen: frozen.MatchString(text), acronyms: map[string]string{}, calls: callFormatter{project: p}}
	if m := namedVersion.FindStringSubmatch(text); m != nil {
		w.version = m[1]
	}
	w.calls.version = parseVersion(strings.Trim(w.version, "[]"))
	w.assured = hasStrongMigrations(t, p.root)
	if file := path.Join(p.root, "config/initializers/inflections.rb"); adapter.HasFile(t, file) {
		for line := range strings.Lines(adapter.ReadFile(t, file).Text) {
			if m := acronym.FindStringSubmatch(line); m != nil && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				w.acronyms[strings.ToLower(m[1])] = m[1]
			}
		}
	}
	return &adapter.Form{Name: tool.Name, Up: ".rb", Transaction: onward.TransactionFile, Program: w.composeMigration, Slug: formatSlug}
}

// hasStrongMigrations reports whether an application has the gem.
func hasStrongMigrations(t adapter.Tree, root string) bool {
	return slices.ContainsFunc([]string{"Gemfile.lock", "Gemfile"}, func(name string) bool {
		file := path.Join(root, name)
		return adapter.HasFile(t, file) && checksSafety.MatchString(adapter.ReadFile(t, file).Text)
	})
}

// formatSlug returns a name that Rails accepts: it ignores files whose names have other characters.
func formatSlug(slug string) string {
	slug = strings.Trim(unfitSlug.ReplaceAllString(strings.ToLower(slug), "_"), "_")
	if slug == "" || slug[0] >= '0' && slug[0] <= '9' {
		slug = "plan_" + slug
	}
	return slug
}

// className returns the class that Rails looks for in a file (String#camelize).
func (w *writer) className(slug string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(slug, "_") {
		switch {
		case word == "":
		case w.acronyms[word] != "":
			b.WriteString(w.acronyms[word])
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// composeMigration returns the text of a migration.
func (w *writer) composeMigration(p *adapter.Program) string {
	var b strings.Builder
	if w.frozen {
		b.WriteString("# frozen_string_literal: true\n\n")
	}
	fmt.Fprintf(&b, "# %s\nclass %s < ActiveRecord::Migration%s\n", p.Comment, w.className(p.Slug()), w.version)
	if p.Alone {
		b.WriteString("  disable_ddl_transaction!\n\n")
	}
	b.WriteString("  def up\n" + w.formatStatements(p, p.Up) + "  end\n\n  def down\n")
	if p.Down == nil {
		b.WriteString("    raise ActiveRecord::IrreversibleMigration, " + quoteRuby(adapter.Irreversible) + "\n")
	} else {
		b.WriteString(w.formatStatements(p, p.Down))
	}
	b.WriteString("  end\nend\n")
	return b.String()
}

// formatStatements returns a call for each statement.
func (w *writer) formatStatements(p *adapter.Program, list []string) string {
	var b strings.Builder
	for _, sql := range list {
		call, safe := w.calls.formatCall(p.Plan, sql), true
		if call == "" {
			call, safe = formatExecute(sql), false
		}
		head, body, long := strings.Cut(call, "\n")
		if w.assured && !(safe && slices.ContainsFunc(assuredCalls, func(name string) bool { return strings.HasPrefix(call, name) })) {
			head = "safety_assured { " + head + " }"
		}
		b.WriteString("    " + head + "\n")
		if long {
			b.WriteString(body)
		}
	}
	return b.String()
}

// formatExecute returns a call that sends a text: on one line, or as a heredoc whose lines have the indentation of the migration.
func formatExecute(sql string) string {
	if !strings.Contains(sql, "\n") {
		return "execute " + quoteRuby(sql)
	}
	end := "SQL"
	for slices.ContainsFunc(strings.Split(sql, "\n"), func(line string) bool { return strings.TrimSpace(line) == end }) {
		end += "_"
	}
	var b strings.Builder
	b.WriteString("execute <<~'" + end + "'\n")
	for line := range strings.SplitSeq(sql, "\n") {
		if line != "" {
			line = "      " + line
		}
		b.WriteString(line + "\n")
	}
	b.WriteString("    " + end + "\n")
	return b.String()
}

// quoteRuby returns a literal of Ruby.
func quoteRuby(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "#", `\#`).Replace(s) + `"`
}
