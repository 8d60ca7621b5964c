package audit

import (
	"os"
	"path"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

// reportOf returns the report on a release that adds files to a project.
func reportOf(t *testing.T, base, added map[string]string) *onward.Report {
	t.Helper()
	r, err := auditLast(t, gittest.Commits(t, base, added), Config{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// auditLast audits the last commit of a repository, with the onward.yaml of the working tree.
func auditLast(t *testing.T, dir string, c Config) (*onward.Report, error) {
	t.Helper()
	var err error
	if c.Settings, err = config.Load(dir, Names()); err != nil {
		t.Fatal(err)
	}
	c.Dir, c.Base = dir, "HEAD~1"
	return Changelog(t.Context(), c)
}

// TestLaravelPage runs the example of the page about Laravel with its real migrator, in the dangerous and in the safe form.
func TestLaravelPage(t *testing.T) {
	t.Parallel()
	adaptertest.NeedLaravel(t)
	data, err := os.ReadFile("../internal/capture/testdata/laravel.txtar")
	if err != nil {
		t.Fatal(err)
	}
	base := map[string]string{}
	for _, f := range txtar.Parse(data).Files {
		switch {
		case f.Name == "migrate.php":
			base[f.Name] = strings.Replace(string(f.Data), "'/db'", "'/database/migrations'", 1)
		case path.Dir(f.Name) == "db":
			base["database/migrations/"+path.Base(f.Name)] = string(f.Data)
		}
	}
	blocks := readPageBlocks(t, "laravel")
	base["onward.yaml"] = strings.NewReplacer("php artisan migrate --force", "php migrate.php").Replace("postgres: 17\n" + blocks["yaml"][0])
	const file = "database/migrations/2024_02_01_000000_index_users.php"
	run := func(example string) *onward.Report {
		head := "<?php\nuse Illuminate\\Database\\Migrations\\Migration;\nuse Illuminate\\Database\\Schema\\Blueprint;\n" +
			"use Illuminate\\Support\\Facades\\DB;\nuse Illuminate\\Support\\Facades\\Schema;\n\nreturn new class extends Migration {\n"
		return reportOf(t, base, map[string]string{file: head + example + "\n};\n"})
	}
	comparePage(t, blocks["text"][0], file, run(blocks["php"][0]))
	if r := run(blocks["php"][1]); len(r.Findings) != 0 || len(r.Opaque) != 0 || len(r.Migrations) != 1 || len(r.Migrations[0].Statements) != 3 {
		t.Errorf("the safe version: %+v %+v", r.Findings, r.Opaque)
	}
}

// TestEntityFrameworkPage judges the SQL that the page about EF Core shows.
func TestEntityFrameworkPage(t *testing.T) {
	t.Parallel()
	blocks := readPageBlocks(t, "ef-core")
	base, _ := readProject(t, "entity_framework.txtar")
	base["onward.yaml"] = strings.Replace("postgres: 17\n"+blocks["yaml"][0], "dotnet ef migrations script", "sh script.sh", 1)
	const file = "Migrations/20240201000000_UrlIndex.cs"
	head := "public partial class UrlIndex : Migration\n{\n    protected override void Up(MigrationBuilder migrationBuilder)\n    {\n"
	comparePage(t, blocks["text"][0], file, reportOf(t, base, map[string]string{
		file: head + blocks["csharp"][0] + "\n    }\n}\n", "printed/20240201000000_UrlIndex.txt": blocks["sql"][0] + "\n",
	}))
}
