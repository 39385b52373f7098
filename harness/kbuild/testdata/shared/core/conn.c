// SPDX-License-Identifier: GPL-2.0 OR MIT
#include "conn.h"

void conn_put(void *conn)
{
	WARN_ON(!conn);
	kfree(conn);
}
