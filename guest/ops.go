package main

import (
	"errors"
	"fmt"

	"ktcp/guest/boot"
	"ktcp/guest/conns"
	"ktcp/guest/fault"
	"ktcp/guest/files"
	"ktcp/guest/kmemleak"
	"ktcp/guest/kmod"
	"ktcp/guest/kmsg"
	"ktcp/guest/ledger"
	"ktcp/guest/load"
	"ktcp/guest/netns"
	"ktcp/guest/program"
	"ktcp/guest/rest"
	"ktcp/guest/serve"
	"ktcp/guest/survivors"
	"ktcp/guest/trace"
	"ktcp/guest/wire"
)

// agent holds what lives as long as the guest.
type agent struct {
	clock    *clock
	spaces   *netns.Table
	files    files.Files
	writes   *files.Loops
	conns    *conns.Table
	loads    *load.Table
	programs *program.Table
	unloader kmod.Unloader
	log      kmsg.Log
	ledger   *ledger.Ledger
	images   kmod.Images
	snapshot *survivors.Snapshots
	leaks    *kmemleak.Scanner
	graph    trace.Graph
}

func newAgent() (*agent, error) {
	c, err := newClock()
	if err != nil {
		return nil, err
	}
	spaces, err := netns.NewTable()
	if err != nil {
		return nil, err
	}
	ledger, err := ledger.New()
	if err != nil {
		return nil, err
	}
	snapshot, err := survivors.New(spaces, netns.Path)
	if err != nil {
		return nil, err
	}
	tree := files.Files{Enter: spaces.Do, Translate: netns.Path}
	return &agent{
		clock:    c,
		spaces:   spaces,
		files:    tree,
		writes:   files.NewLoops(tree),
		unloader: kmod.Unloader{Stacks: survivors.Stacks},
		conns:    conns.NewTable(spaces),
		loads:    load.NewTable(spaces),
		programs: program.NewTable(spaces),
		ledger:   ledger,
		snapshot: snapshot,
		leaks:    kmemleak.New(),
		graph:    trace.Graph{Dir: "/sys/kernel/tracing"},
	}, nil
}

// table ties every operation of wire to the room that carries it out.
func (a *agent) table() serve.Table {
	t := serve.Table{}
	serve.Handle(t, wire.Hello, a.hello, serve.Inline)

	serve.Handle(t, wire.Insmod, a.insmod)
	serve.Handle(t, wire.Rmmod, a.unloader.Rmmod)
	serve.Handle(t, wire.Modules, kmod.Modules)

	serve.Handle(t, wire.ReadFile, a.files.Read)
	serve.Handle(t, wire.WriteFile, a.files.Write)
	serve.Handle(t, wire.ListDir, a.files.List)
	serve.Handle(t, wire.Make, a.files.Make)
	serve.Handle(t, wire.WriteLoopStart, a.writes.Start)
	serve.Handle(t, wire.WriteLoopWait, a.writes.Wait)

	serve.Handle(t, wire.NetnsAdd, a.netnsAdd)
	serve.Handle(t, wire.NetnsDelete, a.netnsDelete)
	serve.Handle(t, wire.NetnsList, a.netnsList)
	serve.Handle(t, wire.VethAdd, a.vethAdd)

	serve.Handle(t, wire.Kmsg, a.log.Read)
	serve.Handle(t, wire.Sysrq, kmsg.Sysrq)

	serve.Handle(t, wire.Dial, a.conns.Dial)
	serve.Handle(t, wire.Listen, a.conns.Listen)
	serve.Handle(t, wire.Send, a.conns.Send)
	serve.Handle(t, wire.Recv, a.conns.Recv)
	serve.Handle(t, wire.CloseConn, a.conns.Close)
	serve.Handle(t, wire.CloseAll, a.closeAll)
	serve.Handle(t, wire.Echo, a.conns.Echo)
	serve.Handle(t, wire.DialMany, a.conns.DialMany)
	serve.Handle(t, wire.DialHalf, a.conns.DialHalf)
	serve.Handle(t, wire.CloseMany, a.conns.CloseMany)

	serve.Handle(t, wire.LoadStart, a.loads.Start)
	serve.Handle(t, wire.LoadStop, a.loads.Stop)

	serve.Handle(t, wire.Sweep, fault.Sweeper{Enter: a.spaces.Do, Translate: netns.Path, Rmmod: a.unloader.Rmmod}.Sweep)
	threads := &fault.Threads{List: survivors.Threads}
	serve.Handle(t, wire.FailThreads, threads.Arm)
	serve.Handle(t, wire.ThreadsFailed, threads.Disarm)

	serve.Handle(t, wire.LoadRun, a.loadRun)
	serve.Handle(t, wire.Profile, trace.Profiler{Run: a.loadRun}.Profile)
	serve.Handle(t, wire.GraphStart, a.graph.Start)
	serve.Handle(t, wire.GraphStop, a.graph.Stop)
	serve.Handle(t, wire.Put, files.Put)
	serve.Handle(t, wire.ProgramRun, a.programs.Run)
	serve.Handle(t, wire.ProgramStart, a.programs.Start)
	serve.Handle(t, wire.ProgramStop, a.programs.Stop)

	serve.Handle(t, wire.Ledger, a.readLedger)
	serve.Handle(t, wire.Settle, a.ledger.Settle)
	serve.Handle(t, wire.Beside, a.ledger.Beside)
	serve.Handle(t, wire.Survivors, a.snapshot.Take)
	serve.Handle(t, wire.Sockets, a.snapshot.Sockets)
	serve.Handle(t, wire.LiveNetns, a.snapshot.LiveNetns)
	serve.Handle(t, wire.Stacks, survivors.Stacks)
	serve.Handle(t, wire.Kmemleak, a.leaks.Scan)
	serve.Handle(t, wire.Idle, rest.New(survivors.Running).Await)
	return t
}

func (a *agent) insmod(req wire.InsmodRequest) (answer wire.InsmodAnswer, err error) {
	if err := a.images.Fill(&req); err != nil {
		return answer, err
	}
	err = a.spaces.Do(req.Netns, func() error {
		answer, err = kmod.Insmod(req)
		return err
	})
	return answer, err
}

func (a *agent) netnsAdd(req wire.NetnsRequest) (wire.None, error) {
	return wire.None{}, a.spaces.Add(req.Name, netns.LoopbackUp)
}

func (a *agent) netnsList(wire.None) (wire.NetnsListAnswer, error) {
	return wire.NetnsListAnswer{Names: a.spaces.Names()}, nil
}

func (a *agent) netnsDelete(req wire.NetnsDeleteRequest) (wire.NetnsDeleteAnswer, error) {
	if req.Close {
		_, err := a.conns.CloseIn(req.Name)
		if err := errors.Join(err, a.loads.StopIn(req.Name)); err != nil {
			return wire.NetnsDeleteAnswer{}, err
		}
	}
	gone, err := a.spaces.Delete(req.Name, req.Wait)
	return wire.NetnsDeleteAnswer{Gone: gone}, err
}

func (a *agent) vethAdd(req wire.VethRequest) (wire.None, error) {
	if err := boot.Probe("veth"); err != nil {
		return wire.None{}, fmt.Errorf("veth: %w", err)
	}
	return wire.None{}, a.spaces.Veth(req.A, req.B)
}

func (a *agent) closeAll(wire.None) (wire.CloseAllAnswer, error) {
	a.programs.StopAll()
	return wire.CloseAllAnswer{Loads: a.loads.StopAll(), Conns: a.conns.CloseAll()}, nil
}

// hello also has the log read up to its end: before a template is saved, so that no clone reads again what the kernel said while it booted.
func (a *agent) hello(req wire.HelloRequest) (wire.HelloAnswer, error) {
	answer, err := a.clock.hello(req)
	if err != nil {
		return answer, err
	}
	answer.Log, err = a.log.End()
	return answer, err
}

func (a *agent) readLedger(req wire.LedgerRequest) (wire.LedgerAnswer, error) {
	answer, err := a.ledger.Read(req)
	if err != nil {
		return answer, err
	}
	answer.Netns, err = a.spaces.Live()
	return answer, err
}

func (a *agent) loadRun(req wire.LoadRequest) (wire.LoadResult, error) {
	started, err := a.loads.Start(req)
	if err != nil {
		return wire.LoadResult{}, err
	}
	return a.loads.Stop(wire.LoadStopRequest{Load: started.Load, Wait: true})
}
