package adapter_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// Teams say how they migrate in the files of their package manager, forge and platform,
// of which GitHub's pipelines are one kind.
func TestRunnerFiles(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"Makefile": true, ".github/workflows/deploy.yml": true, "deploy/migrate.sh": true, "charts/app/values.yaml": true,
		"package.json": true, "apps/api/package.json": true, "composer.json": true, "Procfile": true, "Rakefile": true, "config/deploy.rb": true,
		".gitlab-ci.yml": true, ".gitlab/ci/db.yml": true, ".circleci/config.yml": true, ".buildkite/pipeline.yml": true, ".drone.yml": true,
		"azure-pipelines.yml": true, "bitbucket-pipelines.yml": true, "cloudbuild.yaml": true, "buildspec.yml": true, "Jenkinsfile": true,
		"fly.toml": true, "render.yaml": true, "mise.toml": true, "infra/migrate.nomad.hcl": true, "ops/migrate.service": true,
		"bin/migrate": true, "scripts/migrate": true, "Earthfile": true, "Tiltfile": true,
		"web/node_modules/x/package.json": false, "docs/deploy.md": false, "api/openapi.yaml": false, "terraform/main.hcl": false,
		"Cargo.toml": false, "bin/tool.exe": false, "migrations/0001_a.sql": false, "src/LICENSE": false, "tsconfig.json": false,
	} {
		got := adapter.RunnerFiles(adaptertest.Text(map[string]string{path: "x"}), false)
		if slices.Contains(got, path) != want {
			t.Errorf("%s: %v, want %v", path, !want, want)
		}
	}
}
