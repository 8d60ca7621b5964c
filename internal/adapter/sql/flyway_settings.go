package sql

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// flywaySettings are the relevant settings in a project's files. Each is set if any file
// sets it.
type flywaySettings struct {
	mixed, outOfOrder, unvalidated, ignores, group bool
	// elsewhere is set if the table has another name, or is in another schema than the
	// connection's first.
	elsewhere bool
	// baselines are the versions up to which a database that has tables and no history takes migrations for applied.
	baselines []flywayBaseline
	// locations are paths that end in a directory below one called migration.
	locations []string
	// lists are the locations that each setting names; development those that production does not have.
	lists, development []locationList
}

// flywayBaseline is the version that a file sets for baselineOnMigrate.
type flywayBaseline struct{ file, version string }

var (
	// Names of files that may hold the settings, in lower case, and words of the settings.
	// If a file has none of the words, the slow pattern is not tried: a repository has many
	// files.
	flywayFileWords   = []string{"flyway", "migrat", "application", "bootstrap", "pom.xml", "build.gradle", "compose", ".env", "makefile", "dockerfile"}
	flywayFile        = lazyregexp.New(`^(?:.*(?:flyway|migrat).*\.(?:conf|toml|properties|ya?ml|gradle|kts?|java|groovy|scala|sh)|(?:application|bootstrap).*\.(?:properties|ya?ml)|pom\.xml|build\.gradle(?:\.kts)?|(?:docker-)?compose.*\.ya?ml|\.env.*|makefile|dockerfile.*)$`)
	flywayMixed       = switchPattern(`mixed`)
	flywayOutOfOrder  = switchPattern(`out[-_]?of[-_]?order`)
	flywayGroup       = switchPattern(`flyway[._]group|\bgroup`)
	flywayIgnores     = lazyregexp.New(`(?i)ignore[-_]?migration[-_]?patterns|ignore[-_]?(missing|ignored)[-_]?migrations`)
	flywayLocation    = lazyregexp.New(`[\w./-]*migrations?/[\w.{}-]+(?:/[\w.{}-]+)*`)
	flywayElsewhere   = lazyregexp.New(`(?i)flyway[._](?:schemas|default[-_]?schema|table)\b|\bdefault[-_]?schema\s*[=:(>]`)
	flywayTakesOver   = switchPattern(`baseline[-_]?on[-_]?migrate`)
	flywayBaselineAt  = lazyregexp.New(`(?i)baseline[-_]?version["'>]?\s*[=:(>]?\s*(?:MigrationVersion\.fromVersion\(\s*)?["']?(\d+(?:[._]\d+)*)`)
	flywayUnvalidated = lazyregexp.New(`(?i)validate[-_]?on[-_]?migrate["'>]?\s*[=:(>]?\s*["']?false`)
)

// switchPattern returns a pattern for a switch that is on: a property, a key of YAML, an element,
// a call, a variable.
func switchPattern(name string) *lazyregexp.Regexp {
	return lazyregexp.New(`(?i)(?:` + name + `)["'>]?\s*[=:(>]?\s*["']?true`)
}

func readFlywaySettings(t adapter.Tree) flywaySettings {
	return adapter.Memoize(t, "flyway settings", func() flywaySettings {
		var out flywaySettings
		for _, p := range t.Paths() {
			base := strings.ToLower(path.Base(p))
			if !slices.ContainsFunc(flywayFileWords, func(w string) bool { return strings.Contains(base, w) }) || !flywayFile.MatchString(base) {
				continue
			}
			text, err := t.Read(p)
			if err != nil || !bytes.Contains(bytes.ToLower(text), []byte("flyway")) {
				continue
			}
			out.mixed = out.mixed || flywayMixed.Match(text)
			out.outOfOrder = out.outOfOrder || flywayOutOfOrder.Match(text)
			out.unvalidated = out.unvalidated || flywayUnvalidated.Match(text)
			out.elsewhere = out.elsewhere || flywayElsewhere.Match(text)
			out.ignores = out.ignores || flywayIgnores.Match(text)
			if flywayTakesOver.Match(text) && !strings.Contains("/"+p, "/src/test/") {
				version := "1" // Flyway's default
				if m := flywayBaselineAt.FindSubmatch(text); m != nil {
					version = string(m[1])
				}
				out.baselines = append(out.baselines, flywayBaseline{p, version})
			}
			for _, l := range flywayLocation.FindAll(text, -1) {
				out.locations = append(out.locations, string(l))
			}
			for _, list := range readLocationLists(p, string(text)) {
				if list.development {
					out.development = append(out.development, list)
				} else {
					out.lists = append(out.lists, list)
				}
			}
			out.group = out.group || flywayGroup.Match(text)
		}
		return out
	})
}

// describeTakenOver returns the settings by which a database that has tables and no history takes a migration for applied; "" for none. Of
// several files with such settings, the ones that share most directories with the migration count.
func (s flywaySettings) describeTakenOver(m *adapter.Migration) string {
	nearest, versions := -1, []string(nil)
	for _, b := range s.baselines {
		shared := adapter.CountCommonDirs(path.Dir(b.file), path.Dir(m.Path))
		if shared > nearest {
			nearest, versions = shared, nil
		}
		if shared == nearest {
			versions = append(versions, b.version)
		}
	}
	if versions = slices.Compact(versions); len(versions) != 1 || m.Repeatable {
		return ""
	}
	if !m.Baseline && slices.CompareFunc(flywayVersionParts(m.Version), flywayVersionParts(versions[0]), adapter.CompareNatural) > 0 {
		return ""
	}
	return "baselineOnMigrate with version " + versions[0]
}

// describeBehavior describes what Flyway does if applied migrations changed.
func (s flywaySettings) describeBehavior() adapter.HistoryBehavior {
	h := adapter.HistoryBehavior{
		Edited:     "Flyway refuses to migrate: the file's checksum differs from the applied one, and comments count",
		Deleted:    "Flyway refuses to migrate (\"Detected applied migration not resolved locally\") until it is repaired",
		Forgets:    true,
		Renamed:    "Flyway refuses to migrate: it compares the version and the description with the applied migration's",
		OutOfOrder: "Flyway refuses to migrate (\"Detected resolved migration not applied to database\") unless outOfOrder is set",
	}
	switch {
	case s.unvalidated:
		h.Edited, h.Deleted, h.Renamed = "Flyway does not run it again: databases that have it keep what the old text did", "", ""
		h.OutOfOrder = "Flyway skips it for good unless outOfOrder is set"
	case s.ignores:
		h.Deleted, h.OutOfOrder = "", "Flyway runs it or not as ignoreMigrationPatterns says"
	}
	if s.outOfOrder {
		h.OutOfOrder = "Flyway runs it after the later one, as outOfOrder is set; new databases run it before"
	}
	return h
}
