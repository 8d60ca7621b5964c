package inflect

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// TestLaravelTables compares the tables of classes with those that the real Laravel derives.
func TestLaravelTables(t *testing.T) {
	t.Parallel()
	const program = `error_reporting(0); require '/usr/share/php/Illuminate/Database/autoload.php';
		foreach (file('php://stdin', FILE_IGNORE_NEW_LINES) as $w) { echo Illuminate\Support\Str::snake(Illuminate\Support\Str::pluralStudly($w)), "\n"; }`
	classes := strings.Fields("Person OrderStatus Category UserMedia Data News Equipment Child Human Mouse Analysis Index Address APIKey OAuthClient Feedback " +
		"UserMetadata Staff Series Bus Hero Photo Potato Knife Roof Leaf Criterion Medium Bonus Campus Virus Quiz Tax Branch Day Software Sms Gas Lens Alias " +
		"Foot Tooth Goose Move Evidence Inventory Cache Audio Related Corpus Axis Thesis Echo Status HTTPLog S3Storage Curriculum Vertex Focus Genus Radius " +
		"Wolf Cafe Progress Research Phenomenon Hardware Salesperson Woman Passerby Plateau Octopus Safe Save Thief Wave Syllabus Canvas Valve Zombie")
	cmd := exec.CommandContext(t.Context(), "php", "-r", program)
	cmd.Stdin = strings.NewReader(strings.Join(classes, "\n"))
	out, err := cmd.Output()
	component.Need(t, component.PHP, err)
	for i, want := range strings.Fields(string(out)) {
		if got := LaravelTable(classes[i]); got != want {
			t.Errorf("%s: %s, want %s", classes[i], got, want)
		}
	}
}
