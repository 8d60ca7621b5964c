package adapter

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// A lock_timeout that the runner's session starts with is not in a migration. It is in
// the options of its connection string, in PGOPTIONS, or in Flyway's initSql. A file with
// such a setting counts only if it mentions migrations too, because an application has
// timeouts of its own.
var (
	timeoutFile  = lazyregexp.New(`(?i)(?:^|/)(?:makefile|justfile|procfile|package\.json|dockerfile[^/]*|\.env[^/]*|[^/]*\.(?:ya?ml|toml|conf|sh|mk|env|properties|hcl|tf|just|bash))$|(?i)(?:^|/)(?:bin|scripts?)/[^/.]+$|(?i)migrat[^/]*\.(?:[cm]?[jt]s|py|rb|go|kts?|gradle)$|(?i)(?:^|/)(?:db)?migrat(?:e|or|er)/[^/]+\.(?:[cm]?[jt]s|py|rb|go)$`)
	timeoutValue = lazyregexp.New(`(?i)(?:-c(?:\s|%20|\+)*|--|[?&])lock[_-]timeout(?:=|%3D)'?([1-9]\d*(?:\s?(?:ms|s|min))?)|set\s+(?:session\s+)?lock_timeout\s*(?:=|to)\s*\\?["']?([1-9]\d*\s?(?:ms|s|min)?)|\block_?timeout["']?\]?\s*[:=]\s*["']?([1-9]\d*(?:\s?(?:ms|s|min))?)`)
	ofMigrations = lazyregexp.New(`(?i)migrat|flyway|liquibase|goose|dbmate|refinery`)
	// Files that do not belong to the deploy: tests, and pipelines unless their name says
	// that they deploy.
	notDeployed = lazyregexp.New(`(?i)(?:^|[/._-])(?:tests?|e2e|spec|local|dev|examples?|testdata|node_modules|vendor)(?:[/._-]|$)`)
	pipeline    = lazyregexp.New(`(?i)^(?:\.github/|\.gitlab|\.circleci/|\.buildkite/|\.drone|azure-pipelines|bitbucket-pipelines)`)
	deploying   = lazyregexp.New(`(?i)deploy|release|migrat|prod`)
)

// timeoutEndings are extensions of files that timeoutFile may match. A file with another
// extension is tested only if its path mentions migrations; a file without one is tested
// by its name.
var timeoutEndings = map[string]bool{
	"": true, ".yml": true, ".yaml": true, ".toml": true, ".conf": true, ".sh": true, ".mk": true, ".env": true,
	".properties": true, ".hcl": true, ".tf": true, ".just": true, ".bash": true,
}

// mayHaveTimeout excludes most paths before the full pattern, which costs much more.
func mayHaveTimeout(p string) bool {
	lower := strings.ToLower(p)
	name := path.Base(lower)
	return timeoutEndings[path.Ext(name)] || name == "package.json" || strings.HasPrefix(name, "dockerfile") ||
		strings.HasPrefix(name, ".env") || strings.Contains(lower, "migrat")
}

// Limits of how much is read to find it.
const (
	maxTimeoutFiles = 400
	maxTimeoutSize  = 256 << 10
)

// LockTimeoutAt returns where a tree sets a lock_timeout for the sessions of its
// migrations: "deploy/migrate.yaml:14"; "" for nowhere.
func LockTimeoutAt(t Tree) string {
	return Memoize(t, "lock_timeout", func() string {
		read, elsewhere := 0, NewNames(notDeployed)
		for _, p := range t.Paths() {
			if !mayHaveTimeout(p) || path.Ext(p) == ".sql" || elsewhere.Match(p) || !timeoutFile.MatchString(p) || path.Base(p) == "onward.yaml" ||
				pipeline.MatchString(p) && !deploying.MatchString(path.Base(p)) {
				continue
			}
			if read++; read > maxTimeoutFiles {
				return ""
			}
			content, err := t.Read(p)
			if err != nil || len(content) > maxTimeoutSize {
				continue
			}
			if line := lockTimeoutLine(p, string(content)); line > 0 {
				return fmt.Sprintf("%s:%d", p, line)
			}
		}
		return ""
	})
}

func lockTimeoutLine(file, text string) int {
	if !pgparse.ContainsFold(text, "lock_timeout") && !pgparse.ContainsFold(text, "lock-timeout") || !ofMigrations.MatchString(file) && !ofMigrations.MatchString(text) {
		return 0
	}
	for i, line := range strings.Split(text, "\n") {
		if slices.ContainsFunc([]string{"#", "//", "--", ";"}, func(c string) bool { return strings.HasPrefix(strings.TrimSpace(line), c) }) {
			continue
		}
		if timeoutValue.MatchString(line) {
			return i + 1
		}
	}
	return 0
}

// A lock_timeout that is a default of a database, of all roles, or of one role, so that
// the server applies it to new sessions.
var (
	givenTimeout = lazyregexp.New(`(?i)\balter\s+(role|user|database)\s+"?([\w$-]+)"?(?:\s+in\s+database\s+\S+)?\s+set\s+lock_timeout\s*(?:=|\bto\b)\s*'?[1-9]`)
	migrates     = lazyregexp.New(`(?i)migrat|deploy|ddl`)
)

// FindDefaultTimeout returns where an applied migration sets a default lock_timeout for later
// sessions; "" for nowhere. The default of a database or of all roles counts. The default
// of one role counts if its name mentions migrations or if a connection string of the
// migration runner has the role.
func FindDefaultTimeout(t Tree, ran *Set) string {
	if ran == nil {
		return ""
	}
	for _, m := range slices.Backward(ran.Migrations) {
		text := m.Source.Text
		if !strings.Contains(text, "lock_timeout") {
			continue
		}
		for _, match := range givenTimeout.FindAllStringSubmatchIndex(text, -1) {
			role := text[match[4]:match[5]]
			if strings.EqualFold(text[match[2]:match[3]], "database") || strings.EqualFold(role, "all") || migrates.MatchString(role) || isConnectionRole(t, role) {
				return fmt.Sprintf("%s:%d", m.Path, 1+strings.Count(text[:match[0]], "\n"))
			}
		}
	}
	return ""
}

// isConnectionRole reports whether a role is in a connection string among the repository's files
// that run migrations.
func isConnectionRole(t Tree, role string) bool {
	rolePattern := lazyregexp.New(`://` + regexp.QuoteMeta(role) + `[:@]|\b(?:user|PGUSER)["']?\s*[=:]\s*["']?` + regexp.QuoteMeta(role) + `\b`)
	return slices.ContainsFunc(RunnerFiles(t, false), func(p string) bool {
		f := RunnerFile(t, p)
		return strings.Contains(f.Text, role) && ofMigrations.MatchString(f.Text) && rolePattern.MatchString(f.Text)
	})
}
