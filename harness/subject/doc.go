// Package subject says who is judged, and as what: roles that modules play, features that a module may lack, and the
// file by which one command tells the scenarios of another process that they judge a stranger's module.
//
// Its contract: a scenario names a [Role] and never a module. Without a [Stranger] the module of this tree plays
// the role, and must offer everything. A stranger must keep a role's core (it loads, answers, unloads, and does neither
// crash, leak, hang nor send wrong bytes); what it does not claim beyond that is "not offered".
package subject
