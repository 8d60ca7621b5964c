package sqitch

import (
	"bufio"
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// project is a plan with its settings.
type project struct {
	plan string
	// root is the directory in which sqitch is started, with sqitch.conf.
	root string
	// deploy, revert and reworked are the directories of the scripts; reworked has the older versions of changes.
	deploy, revert, reworked, reworkedRevert string
	extension                                string
	foreign                                  string
	variables                                map[string]string
}

// sourceDir is the directory of the source, which has the plan.
func (p *project) sourceDir() string { return parentDir(p.plan) }

func parentDir(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir
	}
	return ""
}

// engines are sqitch's names of databases other than Postgres. Yugabyte and Cockroach have engines of their own.
var engines = map[string]string{
	"mysql": "MySQL", "sqlite": "SQLite", "oracle": "Oracle", "firebird": "Firebird", "vertica": "Vertica", "exasol": "Exasol",
	"snowflake": "Snowflake", "cockroach": "CockroachDB", "clickhouse": "ClickHouse",
}

// planFile is the usual name of a plan.
const planFile = "sqitch.plan"

// findProjects lists the projects of a tree, by their plans.
func findProjects(t adapter.Tree) []*project {
	return adapter.Memoize(t, "sqitch projects", func() []*project {
		var out []*project
		found := map[string]bool{}
		add := func(plan, root string, s settings, engine string) {
			if !found[plan] && adapter.HasFile(t, plan) {
				found[plan] = true
				out = append(out, newProject(plan, root, s, engine))
			}
		}
		for _, d := range adapter.ListDirs(t, "sqitch.conf") {
			if !slices.Contains(d.Names, "sqitch.conf") {
				continue
			}
			s := readSettings(adapter.ReadFile(t, d.Join("sqitch.conf")).Text)
			for _, engine := range append([]string{s.engineName()}, s.engines...) {
				top := s.valueOr(engine, "top_dir", ".")
				plan := s.valueOr(engine, "plan_file", path.Join(top, planFile))
				add(path.Join(d.Path, plan), d.Path, s, engine)
			}
		}
		for _, d := range adapter.ListDirs(t, planFile) {
			if slices.Contains(d.Names, planFile) {
				var s settings
				root := d.Path
				if conf, ok := adapter.NearestFile(t, d.Path, "sqitch.conf"); ok {
					s, root = readSettings(adapter.ReadFile(t, conf).Text), parentDir(conf)
				}
				s.values = withoutKey(s.values, "top_dir")
				add(d.Join(planFile), root, s, s.engineName())
			}
		}
		slices.SortFunc(out, func(a, b *project) int { return cmp.Compare(a.plan, b.plan) })
		return out
	})
}

func newProject(plan, root string, s settings, engine string) *project {
	top := parentDir(plan)
	if dir, ok := s.findValue(engine, "top_dir"); ok {
		top = path.Join(root, dir)
	}
	findDir := func(key, usual string) string {
		if dir, ok := s.findValue(engine, key); ok {
			return path.Join(root, dir)
		}
		return usual
	}
	p := &project{plan: plan, root: root, foreign: engines[engine], extension: s.valueOr(engine, "extension", "sql")}
	p.deploy, p.revert = findDir("deploy_dir", path.Join(top, "deploy")), findDir("revert_dir", path.Join(top, "revert"))
	older := findDir("reworked_dir", "")
	p.reworked, p.reworkedRevert = p.deploy, p.revert
	if older != "" {
		p.reworked, p.reworkedRevert = path.Join(older, "deploy"), path.Join(older, "revert")
	}
	p.reworked = findDir("reworked_deploy_dir", p.reworked)
	p.reworkedRevert = findDir("reworked_revert_dir", p.reworkedRevert)
	p.variables = map[string]string{"registry": s.valueOr(engine, "registry", "sqitch"), "ON_ERROR_STOP": "1"}
	maps.Copy(p.variables, s.variables)
	return p
}

// settings are the content of a sqitch.conf.
type settings struct {
	// values are the settings by "section.key" in lower case: "core.engine", "engine.pg.top_dir".
	values map[string]string
	// engines are those that have a section.
	engines   []string
	variables map[string]string
}

// engineName returns the engine that is used if a command names none.
func (s settings) engineName() string { return cmp.Or(s.values["core.engine"], "pg") }

// findValue returns a setting of an engine, or the one for all engines.
func (s settings) findValue(engine, key string) (string, bool) {
	for _, section := range []string{"engine." + engine, "core", "core." + engine} {
		if v, ok := s.values[section+"."+key]; ok {
			return v, true
		}
	}
	return "", false
}

func (s settings) valueOr(engine, key, usual string) string {
	if v, ok := s.findValue(engine, key); ok {
		return v
	}
	return usual
}

// withoutKey returns the values without a key of any section.
func withoutKey(values map[string]string, key string) map[string]string {
	out := map[string]string{}
	for k, v := range values {
		if !strings.HasSuffix(k, "."+key) {
			out[k] = v
		}
	}
	return out
}

// readSettings reads a sqitch.conf, which has the syntax of git's settings.
func readSettings(text string) settings {
	s := settings{values: map[string]string{}, variables: map[string]string{}}
	section := ""
	scanner := bufio.NewScanner(strings.NewReader(text))
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			name, sub, _ := strings.Cut(strings.Trim(line, "[]"), " ")
			section = strings.ToLower(name)
			if sub = strings.Trim(strings.TrimSpace(sub), `"`); sub != "" {
				section += "." + sub
			}
			if section == "engine."+sub && !slices.Contains(s.engines, sub) && len(s.engines) < 20 {
				s.engines = append(s.engines, sub)
			}
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)
		if section == "core.variables" || section == "deploy.variables" || section == "engine.pg.variables" {
			s.variables[key] = value
		}
		s.values[section+"."+strings.ToLower(key)] = value
	}
	return s
}
