// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * WWWROOT: the directory that is served, and how a name in it becomes an open
 * file.
 *
 * The directory is looked up once, when the module is loaded, with the rights
 * of who loads it, and is held from then on: it may be renamed, and its file
 * system cannot be unmounted. Names are looked up below it and nowhere else:
 * LOOKUP_BENEATH refuses every step that leads out, ".." and symbolic links,
 * also when directories are moved at that moment. Absolute links are refused
 * wherever they lead.
 *
 * A work item runs as root with all capabilities. Nobody should get a file
 * through us that its owner has not opened to everybody, so files are looked
 * up and opened as nobody: user and group 65534, no capability.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/sched/task.h>
#include <linux/uidgid.h>

#include "khttpd.h"

#define NOBODY 65534

/* A lookup that met a rename is repeated this often. */
#define TRIES 8

char *khttpd_root_name;

static struct path root;
static struct cred *nobody;

bool khttpd_root_set(void)
{
	return khttpd_root_name;
}

static const char *what_is_wrong(int err)
{
	switch (err) {
	case -EINVAL:
		return "expected an absolute path, as /var/www";
	case -ENOENT:
		return "there is no such directory";
	case -ENOTDIR:
		return "not a directory";
	default:
		return "this directory cannot be used";
	}
}

static int root_lookup(void)
{
	if (khttpd_root_name[0] != '/')
		return -EINVAL;
	return kern_path(khttpd_root_name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY,
			 &root);
}

int khttpd_root_init(void)
{
	int err;

	if (!khttpd_root_set())
		return 0;
	err = root_lookup();
	if (err) {
		pr_err("WWWROOT=%s: %s (error %d)\n", khttpd_root_name,
		       what_is_wrong(err), err);
		return err;
	}

	nobody = prepare_kernel_cred(&init_task);
	if (!nobody) {
		path_put(&root);
		return -ENOMEM;
	}
	nobody->uid = KUIDT_INIT(NOBODY);
	nobody->euid = nobody->uid;
	nobody->suid = nobody->uid;
	nobody->fsuid = nobody->uid;
	nobody->gid = KGIDT_INIT(NOBODY);
	nobody->egid = nobody->gid;
	nobody->sgid = nobody->gid;
	nobody->fsgid = nobody->gid;
	cap_clear(nobody->cap_inheritable);
	cap_clear(nobody->cap_permitted);
	cap_clear(nobody->cap_effective);
	cap_clear(nobody->cap_ambient);
	return 0;
}

void khttpd_root_uninit(void)
{
	if (!khttpd_root_set())
		return;
	put_cred(nobody);
	path_put(&root);
}

static struct file *root_open(const struct path *path)
{
	umode_t mode = d_inode(path->dentry)->i_mode;
	struct file *file;
	int err;

	/* Before it is opened: opening a FIFO waits, a device does things. */
	if (!S_ISREG(mode) && !S_ISDIR(mode))
		return ERR_PTR(-EACCES);
	file = dentry_open(path, O_RDONLY | O_NONBLOCK | O_LARGEFILE, nobody);
	if (IS_ERR(file))
		return file;
	/* The lookup has only checked the directories on the way. */
	err = file_permission(file, MAY_READ);
	/* Files of procfs and its like cannot be read by the kernel. */
	if (!err && S_ISREG(mode) &&
	    (!file->f_op->read_iter || file->f_op->read))
		err = -EACCES;
	if (err) {
		__fput_sync(file);
		return ERR_PTR(err);
	}
	return file;
}

/*
 * Opens a file or directory below the root. @name is relative, "" is the root
 * itself. Sleeps, in a kernel thread.
 */
struct file *khttpd_root_open(const char *name)
{
	const struct cred *saved = override_creds(nobody);
	struct file *file;
	struct path path;
	int tries, err;

	for (tries = 0; tries < TRIES; tries++) {
		err = vfs_path_lookup(root.dentry, root.mnt, *name ? name : ".",
				      LOOKUP_FOLLOW | LOOKUP_BENEATH |
					      LOOKUP_NO_MAGICLINKS,
				      &path);
		if (err != -EAGAIN)
			break;
	}
	if (err) {
		file = ERR_PTR(err);
	} else {
		file = root_open(&path);
		path_put(&path);
	}
	revert_creds(saved);
	return file;
}
