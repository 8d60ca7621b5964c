package adapter

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A lock_timeout that the runner's session begins with stands in no migration:
// in the options of its connection string, in PGOPTIONS, in Flyway's initSql. The
// file that has it speaks of migrations too, or is not looked at: an
// application has timeouts of its own.
var (
	timeoutFile  = regexp.MustCompile(`(?i)(?:^|/)(?:makefile|justfile|procfile|dockerfile[^/]*|\.env[^/]*|[^/]*\.(?:ya?ml|toml|conf|sh|mk|env|properties|hcl|tf|just|bash))$|(?i)(?:^|/)(?:bin|scripts?)/[^/.]+$|(?i)migrat[^/]*\.(?:[cm]?[jt]s|py|rb|go|kts?|gradle)$`)
	timeoutValue = regexp.MustCompile(`(?i)(?:-c(?:\s|%20|\+)*|--|[?&])lock[_-]timeout(?:=|%3D)'?([1-9]\d*(?:\s?(?:ms|s|min))?)|set\s+(?:session\s+)?lock_timeout\s*(?:=|to)\s*\\?["']?([1-9]\d*\s?(?:ms|s|min)?)|\block_?timeout["']?\s*[:=]\s*["']?([1-9]\d*(?:\s?(?:ms|s|min))?)`)
	ofMigrations = regexp.MustCompile(`(?i)migrat|flyway|liquibase|goose|dbmate|refinery`)
	// What is not the deploy: tests, and the pipelines that are not said to be it.
	notDeployed = regexp.MustCompile(`(?i)(?:^|[/._-])(?:tests?|e2e|spec|local|dev|examples?|testdata|node_modules|vendor)(?:[/._-]|$)`)
	pipeline    = regexp.MustCompile(`(?i)^(?:\.github/|\.gitlab|\.circleci/|\.buildkite/|\.drone|azure-pipelines|bitbucket-pipelines)`)
	deploying   = regexp.MustCompile(`(?i)deploy|release|migrat|prod`)
)

// What is read at most to find it.
const (
	maxTimeoutFiles = 400
	maxTimeoutSize  = 256 << 10
)

// LockTimeoutAt is where a tree sets a lock_timeout for the sessions of its
// migrations: "deploy/migrate.yaml:14"; "" for nowhere.
func LockTimeoutAt(t Tree) string {
	return Once(t, "lock_timeout", func() string {
		read := 0
		for _, p := range t.Paths() {
			if ext := path.Ext(p); ext == ".sql" || ext == ".go" && !strings.Contains(strings.ToLower(path.Base(p)), "migrat") || !timeoutFile.MatchString(p) || path.Base(p) == "onward.yaml" || notDeployed.MatchString(p) || pipeline.MatchString(p) && !deploying.MatchString(path.Base(p)) {
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
	lower := strings.ToLower(text)
	if !strings.Contains(lower, "lock_timeout") && !strings.Contains(lower, "lock-timeout") || !ofMigrations.MatchString(file) && !ofMigrations.MatchString(text) {
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
