package django

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/history"
)

// Settings and apps may ask which command runs, as some do that ask for less in a
// command than in a server.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	files := little("import sys\nassert sys.argv[0] == 'manage.py', sys.argv")
	files["app/models.py"] = []byte("import sys\nassert sys.argv[0] == 'manage.py', sys.argv\n")
	loadInitial(t, venv(t, "django-5.2-none"), files, history.Runner{})
}

// If manage.py itself sets up Django and fails, that error is reported, and not the error
// of the second attempt.
func TestManageThatSetsUp(t *testing.T) {
	t.Parallel()
	files := little("")
	files["manage.py"] = []byte("import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf')\nimport django\ndjango.setup()\n")
	files["app/models.py"] = []byte("raise RuntimeError('no bucket')\n")
	_, err := trySet(t, venv(t, "django-5.2-none"), files, history.Runner{})
	if err == nil || !strings.Contains(err.Error(), "no bucket") {
		t.Error(err)
	}
}
