package adapter

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// RunnerFiles lists the files in which a repository says how it runs its migrations:
// build and deployment files, and Go code whose path mentions databases. It returns at
// most 200 of them, and as many manifests of clusters, packages and platforms, so that a
// large repository costs no more.
//
// The result is shared: do not change it.
func RunnerFiles(t Tree, code bool) []string {
	return Memoize(t, fmt.Sprint("runner files ", code), func() []string { return listRunnerFiles(t, code) })
}

func listRunnerFiles(t Tree, code bool) []string {
	const most = 200
	var out, manifests []string
	for _, p := range t.Paths() {
		if len(out) == most {
			break
		}
		if isSQLMigrationPath(p) || strings.Contains(p, "node_modules/") || strings.Contains(p, "vendor/") {
			continue
		}
		base := strings.ToLower(path.Base(p))
		ok := base == "go.mod" || base == "makefile" || base == "justfile" || base == ".env" ||
			strings.HasPrefix(base, "taskfile.y") || strings.HasPrefix(base, "dockerfile") ||
			strings.Contains(base, "compose") && (strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")) ||
			strings.HasPrefix(base, ".env") || strings.HasSuffix(base, ".mk") || strings.HasSuffix(base, ".sh") ||
			strings.HasPrefix(p, ".github/workflows/")
		if code && !ok && strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") {
			ok = mentionsDatabases(strings.ToLower(p))
		}
		if ok {
			out = append(out, p)
		} else if len(manifests) < most && isDeploymentFile(p, base) {
			manifests = append(manifests, p)
		}
	}
	return append(out, manifests...)
}

// RunnerFile reads one of these files, once for all patterns.
func RunnerFile(t Tree, p string) *File {
	return Memoize(t, "runner file "+p, func() *File {
		f := ReadFile(t, p)
		if path.Base(p) == "go.mod" {
			direct := *f
			direct.Text, f = stripIndirectRequirements(f.Text), &direct
		}
		return f
	})
}

// stripIndirectRequirements returns a go.mod without the modules that only other modules require: no code of the project imports them.
func stripIndirectRequirements(text string) string {
	if !strings.Contains(text, "// indirect") {
		return text
	}
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.HasSuffix(strings.TrimSpace(line), "// indirect") }), "")
}

// FindMentioned returns the first of these files that has one of some words and matches a pattern;
// "" for none. Every match must have one of the words: they spare most files the slow
// pattern.
func FindMentioned(t Tree, code bool, pattern *lazyregexp.Regexp, words ...string) string {
	files := RunnerFiles(t, code)
	index := slices.IndexFunc(files, func(p string) bool {
		text := RunnerFile(t, p).Text
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) }) && pattern.MatchString(text)
	})
	if index < 0 {
		return ""
	}
	return files[index]
}

// isDeploymentFile reports whether a file is a manifest of a cluster, a package or a platform, a
// pipeline of a forge other than GitHub, or a script without an extension. base is its
// name in lower case.
func isDeploymentFile(p, base string) bool {
	switch base {
	case "package.json", "composer.json", "procfile", "rakefile", "jenkinsfile", "tiltfile", "earthfile", "deploy.rb", "railway.json":
		return true
	}
	switch path.Ext(base) {
	case ".yaml", ".yml":
		return manifest.MatchString(p) || pipelines.MatchString(base) || strings.HasPrefix(p, ".circleci/") || strings.HasPrefix(p, ".gitlab/") ||
			strings.HasPrefix(p, ".buildkite/")
	case ".toml":
		return strings.HasPrefix(base, "fly.") || strings.HasSuffix(base, "mise.toml") || base == "railway.toml"
	case ".nomad", ".service":
		return true
	case ".hcl":
		return strings.HasSuffix(base, ".nomad.hcl")
	case "":
		dir := path.Base(path.Dir(p))
		return dir == "bin" || dir == "script" || dir == "scripts"
	}
	return false
}

// pipelines are the files of other forges and platforms, by their names.
var pipelines = lazyregexp.New(`^(?:\.gitlab-ci.*|\.drone|\.?travis|azure-pipelines?.*|bitbucket-pipelines|cloudbuild.*|buildspec.*|heroku|render|appspec)\.ya?ml$`)

// manifest matches the path of a file that may make a cluster run a migration job.
var manifest = lazyregexp.New(`(?i)(?:migrat|jobs?\b|deploy|k8s|kube|helm|chart|manifest)`)

// isSQLMigrationPath reports whether a name ends as a SQL migration does. It excludes most files of
// a repository full of migrations before the patterns are tried.
func isSQLMigrationPath(p string) bool {
	if !strings.HasSuffix(p, ".sql") || strings.HasPrefix(p, ".github/") {
		return false
	}
	first := p[strings.LastIndexByte(p, '/')+1]
	return '0' <= first && first <= '9' || first == 'V' || first == 'u' // 0001_a.sql, V1__a.sql, up.sql
}

// mentionsDatabases reports whether a path in lower case mentions databases.
func mentionsDatabases(p string) bool {
	return slices.ContainsFunc([]string{"migrat", "database", "/db", "postgres", "pg/", "pgx/", "store", "storage", "config"},
		func(s string) bool { return strings.Contains(p, s) }) || strings.HasPrefix(p, "db") ||
		p == "main.go" || strings.HasSuffix(p, "/main.go")
}
