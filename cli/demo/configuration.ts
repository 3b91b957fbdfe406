/**
 * What each of the pair is given: a keepalived.conf as it runs today. Real servers are checked every two seconds,
 * where ten are usual, so that nobody has to wait.
 *
 * @param node 1 for the master, 2 for the backup
 */
export function configurationOf(node: 1 | 2): string {
  const [state, priority] = node === 1 ? ['MASTER', 200] : ['BACKUP', 100]
  return `global_defs {
   notification_email {
     root@mydomain.com
   }
   notification_email_from svr${node}@mydomain.com
   smtp_server localhost
   smtp_connect_timeout 30
}

vrrp_instance external {
    state ${state}
    interface enp0s8
    virtual_router_id 91
    priority ${priority}
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1215
    }
    virtual_ipaddress {
        10.0.0.1/24
    }
}

virtual_server 10.0.0.1 80 {
    delay_loop 2
    protocol TCP
    lb_algo rr
#   Use direct routing
    lb_kind DR
    persistence_timeout 7200

    real_server 10.0.0.71 80 {
        weight 1
        TCP_CHECK {
          connect_timeout 5
          connect_port 80
        }
    }

    real_server 10.0.0.72 80 {
        weight 1
        TCP_CHECK {
          connect_timeout 5
          connect_port 80
        }
    }
}
`
}
