package adapter_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

func TestUnread(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"db/migrate/20240101000000_a.rb": nil, "db/migrate/20240102000000_b.rb": nil,
		"app/alembic/env.py": nil, "app/alembic/versions/1_a.py": nil,
		"lib/versions/a.py":                                     nil, // of something else
		"priv/repo/migrations/20240101_a.exs":                   nil,
		"priv/repo/migrations/.formatter.exs":                   nil,
		"vendor/engine/db/migrate/2024_other.rb":                nil,
		"src/database/migrations/20240324T085400-a.ts":          []byte("import { Kysely, sql } from 'kysely';\n"),
		"src/database/migrations/20240324T085500-b.ts":          []byte("export async function up(db) {}\n"),
		"src/database/migrations/seed.ts":                       []byte("import { Kysely } from 'kysely';\n"),
		"Data/Migrations/20240101000000_Init.cs":                []byte("class Init : Migration { void Up(MigrationBuilder migrationBuilder) {} }\n"),
		"Data/Migrations/20240101000000_Init.Designer.cs":       []byte("class Init { void BuildTargetModel(ModelBuilder m) {} }\n"),
		"Data/Migrations/AppModelSnapshot.cs":                   []byte("NpgsqlModelBuilderExtensions.UseIdentityByDefaultColumns(modelBuilder);\n"),
		"Shop/Migrations/20240101000000_Init.cs":                []byte("class Init : Migration { void Up(MigrationBuilder migrationBuilder) {} }\n"),
		"Shop/Migrations/ShopModelSnapshot.cs":                  []byte("SqlServerModelBuilderExtensions.UseIdentityColumns(modelBuilder);\n"),
		"database/migrations/2024_01_01_000000_users.php":       []byte("use Illuminate\\Database\\Migrations\\Migration;\n"),
		"database/migrations/2024_01_02_000000_email.php":       []byte("use App\\Base;\n"),
		"blog/migrations/Version20240101000000.php":             []byte("use Doctrine\\Migrations\\AbstractMigration;\n"),
		"piccolo_migrations/blog_2024_01_01t00_00_00.py":        []byte("from piccolo.apps.migrations.auto.migration_manager import MigrationManager\n"),
		"migrations/models/0_20240101000000_init.py":            []byte("from tortoise import BaseDBAsyncClient\n"),
		"migration/src/m20240101_000001_users.rs":               []byte("impl MigrationTrait for Migration {}\n"),
		"shop/migrations/0001_initial.py":                       []byte("from django.db import migrations\n"),
		"persistence/migrations/20240101000000_users.up.fizz":   []byte("create_table(\"users\") {}\n"),
		"persistence/migrations/20240101000000_users.down.fizz": []byte("drop_table(\"users\")\n"),
		"test/migrations/20240324-a.test.ts":                    []byte("import { Kysely } from 'kysely';\n"),
	}
	text := adapter.NotFound(tree, adapters, nil).Error()
	if !strings.HasPrefix(text, "found ") {
		t.Errorf("what is there comes first:\n%s", text)
	}
	for _, want := range []string{
		"found Alembic (1 file in app/alembic/versions): onward init writes the command that prints its SQL to onward.yaml",
		"found Ecto (1 file in priv/repo/migrations)",
		"found Kysely (2 files in src/database/migrations), which is not read yet",
		"found EF Core (1 file in Data/Migrations): onward init writes the command that prints its SQL to onward.yaml",
		"found Laravel (2 files in database/migrations), which is not read yet: onward capture -- php artisan migrate --force judges",
		"found Doctrine (1 file in blog/migrations), which", "found Piccolo (1 file in piccolo_migrations)",
		"found Aerich (1 file in migrations/models)", "found SeaORM (1 file in migration/src)",
		"found Fizz (1 file in persistence/migrations), which is not read yet: onward capture -- soda migrate up judges",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, left := range []string{"engine", "lib/versions", "Shop", "shop/migrations", "test/migrations"} {
		if strings.Contains(text, left) {
			t.Errorf("%s is in\n%s", left, text)
		}
	}
}

// The error names the database of programs that are for another one, and does not call them unread.
func TestProgramsForAnotherDatabase(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"config/config.json": []byte(`{"production": {"dialect": "mysql"}}`),
		"migrations/20240101000000-users.js": []byte("module.exports = {\n  async up(queryInterface, Sequelize) {\n" +
			"    await queryInterface.addColumn('users', 'nick', Sequelize.TEXT);\n  },\n};\n"),
	}
	_, skipped := adapter.DetectSources(tree, adapters)
	err := adapter.NotFound(tree, adapters, skipped)
	if text := err.Error(); !err.IsElsewhere() || !strings.Contains(text, "migrations holds migrations for MySQL: not judged") {
		t.Errorf("the error says: %s", text)
	}
}

// TestRenderedProject: the command of EF Core names the project that has the migrations, and the files of its model are no migrations.
func TestRenderedProject(t *testing.T) {
	t.Parallel()
	program := []byte("class Init : Migration { void Up(MigrationBuilder migrationBuilder) {} }\n")
	for dir, want := range map[string]string{
		"": "dotnet ef migrations script {from} {to}", "src/Shop.Data/": "dotnet ef migrations script {from} {to} --project src/Shop.Data",
		"my src/": `dotnet ef migrations script {from} {to} --project "my src"`,
	} {
		list := adapter.UnreadIn(adaptertest.Files{dir + "Shop.csproj": nil, dir + "Migrations/20240101000000_Init.cs": program})
		if len(list) != 1 || list[0].Render() != want {
			t.Errorf("%v, want %s", list, want)
		}
	}
	for name, want := range map[string]bool{"20240101000000_Init.Designer.cs": true, "ShopModelSnapshot.cs": true, "20240101000000_Init.cs": false} {
		if adapter.IsNoProgram(name) != want {
			t.Errorf("%s is no program: %v", name, !want)
		}
	}
}
