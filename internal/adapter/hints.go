package adapter

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// RunnerFiles lists the files in which a repository says how it runs its
// migrations: build and deployment files, and Go code whose path speaks of
// databases. At most 200 of what is named so, and as many manifests of a cluster,
// packages and platforms, so that a large repository costs no more.
//
// The result is shared: do not change it.
func RunnerFiles(t Tree, code bool) []string {
	return Once(t, fmt.Sprint("runner files ", code), func() []string { return runnerFiles(t, code) })
}

func runnerFiles(t Tree, code bool) []string {
	const most = 200
	var out, manifests []string
	for _, p := range t.Paths() {
		if len(out) == most {
			break
		}
		if plainSQL(p) || strings.Contains(p, "node_modules/") || strings.Contains(p, "vendor/") {
			continue
		}
		base := strings.ToLower(path.Base(p))
		ok := base == "go.mod" || base == "makefile" || base == "justfile" || base == ".env" ||
			strings.HasPrefix(base, "taskfile.y") || strings.HasPrefix(base, "dockerfile") ||
			strings.Contains(base, "compose") && (strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")) ||
			strings.HasPrefix(base, ".env") || strings.HasSuffix(base, ".mk") || strings.HasSuffix(base, ".sh") ||
			strings.HasPrefix(p, ".github/workflows/")
		if code && !ok && strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") {
			ok = speaksOfDatabases(strings.ToLower(p))
		}
		if ok {
			out = append(out, p)
		} else if len(manifests) < most && deploys(p, base) {
			manifests = append(manifests, p)
		}
	}
	return append(out, manifests...)
}

// RunnerFile is one of them, which is read once, whatever is looked for in it.
func RunnerFile(t Tree, p string) *File {
	return Once(t, "runner file "+p, func() *File { return ReadFile(t, p) })
}

// Said finds the first of them that has one of some words and matches a pattern; ""
// for none. The words, which every match has, spare most files the pattern.
func Said(t Tree, code bool, pattern *regexp.Regexp, words ...string) string {
	files := RunnerFiles(t, code)
	at := slices.IndexFunc(files, func(p string) bool {
		text := RunnerFile(t, p).Text
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) }) && pattern.MatchString(text)
	})
	if at < 0 {
		return ""
	}
	return files[at]
}

// deploys reports whether a file is the manifest of a cluster, a package or a platform,
// the pipeline of one that is not GitHub's, or a script without an ending. base is its
// name in lower case.
func deploys(p, base string) bool {
	switch base {
	case "package.json", "composer.json", "procfile", "rakefile", "jenkinsfile", "tiltfile", "earthfile", "deploy.rb", "railway.json":
		return true
	}
	switch path.Ext(base) {
	case ".yaml", ".yml":
		return manifest.MatchString(p) || pipelines.MatchString(base) || strings.HasPrefix(p, ".circleci/") || strings.HasPrefix(p, ".gitlab/") || strings.HasPrefix(p, ".buildkite/")
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
var pipelines = regexp.MustCompile(`^(?:\.gitlab-ci.*|\.drone|\.?travis|azure-pipelines?.*|bitbucket-pipelines|cloudbuild.*|buildspec.*|heroku|render|appspec)\.ya?ml$`)

// manifest is what a cluster is told to run a job with.
var manifest = regexp.MustCompile(`(?i)(?:migrat|jobs?\b|deploy|k8s|kube|helm|chart|manifest)`)

// plainSQL tells most files of a repository full of migrations from those that
// hints looks for, by the ends of their names.
func plainSQL(p string) bool {
	if !strings.HasSuffix(p, ".sql") || strings.HasPrefix(p, ".github/") {
		return false
	}
	first := p[strings.LastIndexByte(p, '/')+1]
	return '0' <= first && first <= '9' || first == 'V' || first == 'u' // 0001_a.sql, V1__a.sql, up.sql
}

// speaksOfDatabases reports whether a path in lower case does.
func speaksOfDatabases(p string) bool {
	return slices.ContainsFunc([]string{"migrat", "database", "/db", "postgres", "pg/", "pgx/", "store", "storage", "config"},
		func(s string) bool { return strings.Contains(p, s) }) || strings.HasPrefix(p, "db") ||
		p == "main.go" || strings.HasSuffix(p, "/main.go")
}
