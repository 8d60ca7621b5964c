package adaptertest

import (
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// NeedRuby leaves a test out if Ruby, one of the gems, or the driver for Postgres is missing.
func NeedRuby(t testing.TB, gems ...string) {
	t.Helper()
	args := append([]string{"-e", "ARGV.each { |name| gem name }", "pg"}, gems...)
	component.Need(t, component.Ruby, exec.Command("ruby", args...).Run())
}

// NeedLaravel leaves a test out if PHP, its driver for Postgres, or Laravel's migrator is missing.
func NeedLaravel(t testing.TB) {
	t.Helper()
	const probe = "exit(extension_loaded('pdo_pgsql') && is_file('/usr/share/php/Illuminate/Events/autoload.php') ? 0 : 1);"
	component.Need(t, component.PHP, exec.Command("php", "-r", probe).Run())
}

// RailsFiles returns the files of an application: overrides, and those that every application has. database is a line of its
// database.yml. A test without Rails is skipped.
func RailsFiles(t testing.TB, database string, overrides map[string]string) map[string]string {
	t.Helper()
	NeedRuby(t, "railties", "activerecord")
	files := map[string]string{
		"bin/rails": "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n",
		"Rakefile":  "require_relative 'config/application'\nRails.application.load_tasks\n",
		"config/application.rb": "require 'rails'\nrequire 'active_record/railtie'\nmodule Shop\n  class Application < Rails::Application\n" +
			"    config.load_defaults 6.1\n    config.eager_load = false\n    config.active_record.dump_schema_after_migration = false\n  end\nend\n",
		"config/environment.rb": "require_relative 'application'\nRails.application.initialize!\n",
		"config/database.yml":   "production:\n  adapter: postgresql\n  " + database + "\n",
	}
	maps.Copy(files, overrides)
	return files
}

// RailsMigration returns the text of a migration.
func RailsMigration(class string, body ...string) string {
	return "class " + class + " < ActiveRecord::Migration[6.1]\n  def up\n    " + strings.Join(body, "\n    ") + "\n  end\nend\n"
}
