package deploy_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// connectAs opens a session of a release's code.
func (s *shop) connectAs(name string) *pgx.Conn {
	s.Helper()
	u, err := url.Parse(s.db)
	if err != nil {
		s.Fatal(err)
	}
	q := u.Query()
	q.Set("application_name", name)
	u.RawQuery = q.Encode()
	conn, err := pgx.Connect(context.Background(), u.String())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestContractJob runs the command of the suspended CronJob: a Job that somebody creates from it fails at once while old code is connected,
// and does the rest when it is gone.
func TestContractJob(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s, o := newShop(t, major), readObject(t, "kubernetes/contract.yaml")
		if o.Kind != "CronJob" || !o.Spec.Suspend {
			t.Errorf("%s, suspend: %v: it would begin by itself", o.Kind, o.Spec.Suspend)
		}
		job := o.Spec.JobTemplate.Spec
		old := s.connectAs("shop-web-v2.3")
		apply := s.startPod(readObject(t, "kubernetes/apply.yaml").Spec.Template.Spec)
		apply.expectEnd(0)
		early := s.startPod(job.Template.Spec)
		early.expectEnd(1)
		if action := job.chooseAction(1, false); action != "FailJob" {
			t.Errorf("a refused contract would %s", action)
		}
		if !strings.Contains(early.log.String(), "shop-web-v2.3") {
			t.Errorf("the log does not name the session: %s", early.log.String())
		}
		_ = old.Close(t.Context())
		late := s.startPod(job.Template.Spec)
		late.expectEnd(0)
		columns := s.read(`SELECT attname || ' ' || atttypid::regtype FROM pg_attribute
			WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`)
		if got := strings.Join(columns, ", "); got != "amount bigint, customer_id bigint, id bigint, remark text" {
			t.Errorf("columns: %s", got)
		}
		if state := s.read("SELECT state FROM onward_ledger.plan"); len(state) != 1 || state[0] != "done" {
			t.Errorf("plans: %v", state)
		}
	})
}

// TestPreflightJob runs the preflight's command on a server that is fit, and on one that is not.
func TestPreflightJob(t *testing.T) {
	t.Parallel()
	job := readObject(t, "kubernetes/preflight.yaml").Spec
	s := newShop(t, pgservertest.Ends()[1])
	fit := s.startPod(job.Template.Spec)
	fit.expectEnd(0)
	conn := pgservertest.Connect(t, s.db)
	pgservertest.Exec(t, conn, "ALTER DATABASE "+pgx.Identifier{conn.Config().Database}.Sanitize()+" SET default_transaction_read_only = on")
	unfit := s.startPod(job.Template.Spec)
	unfit.expectEnd(1)
	if action := job.chooseAction(1, false); action != "FailJob" || !strings.Contains(unfit.out.String(), "read_only") {
		t.Errorf("the Job would %s: %s", action, unfit.out.String())
	}
}

// TestReleaseImage runs the Job's command with the migrations beside the plan, as in the image of docs/kubernetes.md: the migration tool's table
// has the migration afterwards, once, although two pods ran.
func TestReleaseImage(t *testing.T) {
	t.Parallel()
	s, job := newShop(t, pgservertest.Ends()[1]), readObject(t, "kubernetes/apply.yaml").Spec
	dir, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	// What the page's Dockerfile makes: the migrations and the plan as one commit, in files of root's.
	image := t.TempDir()
	if err := os.Chmod(filepath.Dir(image), 0o755); err != nil { // the pods' user reads it
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(image, "migrations"), os.DirFS(filepath.Join(dir, "migrations"))); err != nil {
		t.Fatal(err)
	}
	s.writeFile(filepath.Join(image, "plan.json"), readPlan(t), 0o644, 0)
	cmd := exec.Command("sh", "-ec", imageCommand(t))
	cmd.Dir = image
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the image's command: %v %s", err, out)
	}
	spec := job.Template.Spec
	box := spec.Containers[0]
	for i, arg := range box.Args {
		box.Args[i] = strings.ReplaceAll(arg, "/work/", image+"/")
	}
	start := func() *pod {
		p := &pod{cluster: s.cluster, spec: spec, ended: make(chan struct{}), cmd: exec.Command(buildOnward(t), box.Args...)}
		p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = image, &p.out, &p.log
		// As in the image, git trusts a repository whose owner is another user.
		p.cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "DATABASE_URL=" + s.readSecret("onward-database", "url"),
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		}
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532, Groups: []uint32{}}}
		p.start()
		return p
	}
	first, second := start(), start()
	first.expectEnd(0)
	second.expectEnd(0)
	s.checkOnce()
	if got := strings.Join(s.read("SELECT version_id::text FROM goose_db_version ORDER BY id"), " "); got != "0 1 2" {
		t.Errorf("goose's table has %s", got)
	}
	if !strings.Contains(second.out.String(), "will not run 00002_remark") {
		t.Errorf("the second pod printed no \"will not run 00002_remark\":\n%s", second.out.String())
	}
}
