package sql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sql"
)

// The locations that one setting names are one history, in each of the formats. Settings of tests and of developers' machines do not count.
func TestConfiguredLocations(t *testing.T) {
	t.Parallel()
	const (
		in     = "src/main/resources/"
		joined = in + "db = " + in + "db/migration " + in + "db/views"
		apart  = in + "db/migration, " + in + "db/views"
	)
	files := []string{in + "db/migration/V1__a", in + "db/migration/V3__c", in + "db/views/V2__b", in + "db/views/V4__d"}
	for _, tt := range []struct{ name, file, settings, want string }{
		{"properties", in + "application.properties", "spring.flyway.locations=classpath:db/migration,classpath:db/views", joined},
		{"properties, spaces", in + "application.properties", "spring.flyway.locations = classpath:/db/migration , classpath:/db/views", joined},
		{"properties, lines", in + "application.properties", "spring.flyway.locations=classpath:db/migration,\\\n  classpath:db/views\nspring.x=a/b", joined},
		{
			"properties, indexes", in + "application.properties",
			"spring.flyway.locations[0]=classpath:db/migration\nspring.flyway.locations[1]=classpath:db/views", joined,
		},
		{"without a prefix", in + "application.properties", "spring.flyway.locations=db/migration,db/views", joined},
		{"a variable's default", in + "application.properties", "spring.flyway.locations=${LOCATIONS:classpath:db/migration,classpath:db/views}", joined},
		{"yaml", in + "application.yml", "spring:\n  flyway:\n    locations: classpath:db/migration,classpath:db/views\n    enabled: true", joined},
		{"yaml, a list", in + "application.yaml", "spring:\n  flyway:\n    locations:\n      - classpath:db/migration\n      - 'classpath:db/views'\n", joined},
		{"yaml, brackets", in + "application.yml", "spring.flyway.locations: [\"classpath:db/migration\", \"classpath:db/views\"]", joined},
		{"conf", "flyway.conf", "flyway.locations=filesystem:src/main/resources/db/migration,filesystem:./src/main/resources/db/views", joined},
		{"toml", "flyway.toml", "[flyway]\nlocations = [\"filesystem:src/main/resources/db/migration\",\n  \"filesystem:src/main/resources/db/views\"]", joined},
		{
			"maven", "pom.xml", "<artifactId>flyway</artifactId><locations>\n<location>classpath:db/migration</location>\n" +
				"<location>classpath:db/views</location>\n</locations>", joined,
		},
		{"gradle", "build.gradle", "flyway {\n  locations = ['classpath:db/migration', 'classpath:db/views']\n}", joined},
		{"kotlin", "build.gradle.kts", "flyway {\n  locations = arrayOf(\"classpath:db/migration\", \"classpath:db/views\")\n}", joined},
		{"code", "src/main/java/FlywayConfig.java", "Flyway.configure().locations(\"classpath:db/migration\", \"classpath:db/views\").load();", joined},
		{"environment", ".env", "FLYWAY_LOCATIONS=filesystem:src/main/resources/db/migration,filesystem:src/main/resources/db/views", joined},
		{
			"compose", "compose.yaml", "image: flyway\nenvironment:\n  FLYWAY_LOCATIONS: filesystem:/sql/a,filesystem:/sql/b\nvolumes:\n" +
				"  - ./src/main/resources/db/migration:/sql/a:ro\n  - ./src/main/resources/db/views:/sql/b\n", joined,
		},
		{"production", in + "application-prod.yml", "spring.flyway.locations: classpath:db/migration,classpath:db/views", joined},

		{"nothing", in + "application.properties", "spring.flyway.enabled=true", apart},
		{"one", in + "application.properties", "spring.flyway.locations=classpath:db/migration", apart},
		{"two settings", in + "application.properties", "a.flyway.locations=classpath:db/migration\nb.flyway.locations=classpath:db/views", apart},
		{"a comment", in + "application.properties", "# spring.flyway.locations=classpath:db/migration,classpath:db/views", apart},
		{
			"an element in a comment", "pom.xml",
			"flyway <!-- <locations><location>classpath:db/migration</location><location>classpath:db/views</location></locations> -->", apart,
		},
		{"a profile", in + "application-dev.properties", "spring.flyway.locations=classpath:db/migration,classpath:db/views", apart},
		{"a profile with sample rows", in + "application-seed.yml", "spring.flyway.locations: classpath:db/migration,classpath:db/views", apart},
		{"a profile's own directory", in + "application-views.yml", "spring.flyway.locations: classpath:db/migration,classpath:db/views", joined},
		{"another profile", in + "application-cloud.yml", "spring.flyway.locations: classpath:db/migration,classpath:db/views", joined},
		{
			"a document of a profile", in + "application.yml",
			"spring.flyway.locations: classpath:db/migration\n---\nspring.config.activate.on-profile: local\n" +
				"spring.flyway.locations: classpath:db/migration,classpath:db/views", apart,
		},
		{"of tests", "src/test/resources/application.properties", "spring.flyway.locations=classpath:db/migration,classpath:db/views", apart},
		{"elsewhere", in + "application.properties", "spring.flyway.locations=classpath:db/migration,classpath:other/views", apart},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tree := map[string]string{tt.file: "flyway\n" + tt.settings + "\n"}
			if strings.HasSuffix(tt.file, ".properties") || strings.HasSuffix(tt.file, ".conf") {
				tree[tt.file] = "# flyway\n" + tt.settings + "\n"
			}
			for _, f := range files {
				tree[f+".sql"] = "SELECT 1;\n"
			}
			if got := describeSources(tree); got != tt.want {
				t.Errorf("%s, not %s", got, tt.want)
			}
		})
	}
}

// A directory that only settings name has a single file at first.
func TestConfiguredLocationWithOneFile(t *testing.T) {
	t.Parallel()
	const in = "src/main/resources/"
	for name, tt := range map[string]struct{ file, settings, dir, want string }{
		"production":             {in + "application-prod.yml", "spring.flyway.locations: classpath:db/live", in + "db/live", in + "db/live"},
		"a profile's own":        {in + "application-eu.yml", "spring.flyway.locations: classpath:db/migration,classpath:db/eu", in + "db/eu", in + "db/eu"},
		"an environment's":       {"flyway.eu.toml", "[flyway]\nlocations = [\"filesystem:eu\"]", "eu", "eu"},
		"no other":               {"flyway.conf", "flyway.locations=filesystem:db/changes", "db/changes", "db/changes"},
		"a directory below":      {"flyway.conf", "flyway.locations=filesystem:db", "db/tables", "db/tables"},
		"developers'":            {in + "application-dev.yml", "spring.flyway.locations: classpath:db/rows", in + "db/rows", ""},
		"named by nothing":       {"flyway.conf", "flyway.locations=filesystem:db", "other", ""},
		"of another file's name": {"flyway.conf", "flyway.locations=filesystem:db/changes", "db/change", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := map[string]string{tt.file: "# flyway\n" + tt.settings + "\n", tt.dir + "/V1__a.sql": "SELECT 1;\n"}
			if got := describeSources(tree); got != tt.want {
				t.Errorf("%s, not %s", got, tt.want)
			}
		})
	}
}

// Rows for developers' machines are no migrations, unless nothing else is.
func TestDevelopersLocations(t *testing.T) {
	t.Parallel()
	const in = "src/main/resources/db/"
	for dir, aside := range map[string]bool{
		in + "migration": false, in + "views": false, in + "local": true, in + "seed/orders": true, in + "migration/dev": true, "db/seed": false,
	} {
		if got := (sql.Adapter{}).Aside(dir); got != aside {
			t.Errorf("Aside(%q) = %t, want %t", dir, got, aside)
		}
	}
}

func describeSources(files map[string]string) string {
	var got []string
	for _, s := range (sql.Adapter{}).Detect(adaptertest.Text(files)) {
		text := s.Dir
		if len(s.Locations) > 0 {
			text += " = " + strings.Join(s.Locations, " ")
		}
		got = append(got, text)
	}
	slices.Sort(got)
	return strings.Join(got, ", ")
}

// A database has the directory of one profile only, and the common ones. The profile with the most files is judged with these.
func TestLocationsOfProfiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, f := range []string{"db/all/V1__a", "db/all/V4__d", "db/eu/V2__b", "db/eu/V6__f", "db/us/V3__c", "db/us/V5__e", "db/us/V7__g"} {
		files[f+".sql"] = "SELECT 1;\n"
	}
	files["application.yml"] = "spring.flyway.locations: classpath:db/all\n"
	for _, profile := range []string{"eu", "us"} {
		files["application-"+profile+".yml"] = "spring.flyway.locations: classpath:db/all,classpath:db/" + profile + "\n"
	}
	if got, want := describeSources(files), "db = db/all db/us, db/eu"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	delete(files, "application-us.yml")
	if got, want := describeSources(files), "db = db/all db/eu, db/us"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// Each module has its own settings; those for production override the others.
func TestConfiguredLocationsOfModules(t *testing.T) {
	t.Parallel()
	const both = "spring.flyway.locations=classpath:db/one,classpath:db/two\n"
	files := map[string]string{}
	for _, f := range []string{
		"a/res/db/one/V1__a", "a/res/db/one/V3__c", "a/res/db/two/V2__b", "a/res/db/two/V4__d",
		"b/res/db/one/V1__a", "b/res/db/one/V2__b", "b/res/db/two/V3__c", "b/res/db/two/V4__d",
	} {
		files[f+".sql"] = "SELECT 1;\n"
	}
	files["a/res/application.properties"] = both
	if got, want := describeSources(files), "a/res/db = a/res/db/one a/res/db/two, b/res/db/one, b/res/db/two"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	files["b/res/application.properties"] = both
	files["b/res/application-prod.properties"] = "spring.flyway.locations=classpath:db/one\n"
	if got, want := describeSources(files), "a/res/db = a/res/db/one a/res/db/two, b/res/db/one, b/res/db/two"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	delete(files, "b/res/application-prod.properties")
	delete(files, "a/res/application.properties")
	delete(files, "b/res/application.properties")
	files["application.properties"] = both // which module?
	if got, want := describeSources(files), "a/res/db/one, a/res/db/two, b/res/db/one, b/res/db/two"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
