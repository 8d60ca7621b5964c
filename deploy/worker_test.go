package deploy_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// freePort returns a port on which nothing listens now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// ask asks a probe, and returns its status; 0 for no answer.
func (p *probe) ask(port string) int {
	client := http.Client{Timeout: 5 * time.Second}
	r, err := client.Get("http://127.0.0.1:" + port + p.HTTPGet.Path)
	if err != nil {
		return 0
	}
	_ = r.Body.Close()
	return r.StatusCode
}

// waitForProbe waits until a probe has a status.
func (p *pod) waitForProbe(q *probe, port string, status int) {
	p.Helper()
	for end := time.Now().Add(time.Minute); q.ask(port) != status; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.Fatalf("%s answers %d instead of %d: %s", q.HTTPGet.Path, q.ask(port), status, p.log.String())
		}
	}
}

// TestFleetWorker runs two pods of the Deployment: their probes answer, they do a release of the queue, and they end on SIGTERM.
func TestFleetWorker(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("kubernetes/fleet-worker.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, pgservertest.Ends()[1])
	queue := pgservertest.Database(t, pgservertest.Ends()[1])
	s.secrets["onward-queue"] = map[string]string{"url": pgservertest.NewLine(t, queue).URL}
	s.secrets["onward-targets"] = map[string]string{
		"targets.txt": "file:/run/secrets/onward/shop.url name=shop\n", "shop.url": s.secrets["onward-database"]["url"],
	}
	var ports []string
	var pods []*pod
	for range 2 { // each pod of a cluster has ports of its own
		port := freePort(t)
		o := readObjects(t, strings.ReplaceAll(string(text), "9187", port))[0]
		p := s.startPod(o.Spec.Template.Spec)
		box := &p.spec.Containers[0]
		for _, q := range []*probe{&box.StartupProbe, &box.ReadinessProbe, &box.LivenessProbe} {
			if q.HTTPGet.Port != "metrics" || len(box.Ports) != 1 || fmt.Sprint(box.Ports[0].ContainerPort) != port {
				t.Fatalf("the probe %+v is not at %s", q, port)
			}
			p.waitForProbe(q, port, http.StatusOK)
		}
		ports, pods = append(ports, port), append(pods, p)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"targets.txt": "env:SHOP_URL name=shop\n", "plan.json": readPlan(t)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(buildOnward(t), "apply", "--targets", "targets.txt", "--release", "v2.4", "--plan", "plan.json", "--queue", "env:QUEUE_URL")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "QUEUE_URL="+queue, "SHOP_URL="+s.secrets["onward-targets"]["shop.url"])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s, and the workers: %s %s", err, out, pods[0].log.String(), pods[1].log.String())
	}
	s.checkOnce()
	for i, p := range pods {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := p.wait(); code != 0 {
			t.Errorf("a worker that is asked to end has exit code %d: %s", code, p.log.String())
		}
		if status := p.spec.Containers[0].LivenessProbe.ask(ports[i]); status != 0 {
			t.Errorf("the ended worker answers %d", status)
		}
		for line := range strings.Lines(p.log.String()) {
			if !json.Valid([]byte(line)) || strings.Contains(line, password) {
				t.Errorf("log line %q", line)
			}
		}
	}
}
