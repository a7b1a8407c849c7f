"""What a server shows its clients, and asks of them: certificates that are renewed without a restart."""

import grpc

from dearena.transport.certificates import Certificates, Pems, Tls


class ServerTls:
    """Credentials of a port. To be kept for as long as the server runs."""

    def __init__(self, tls: Tls) -> None:
        """Reads the files; a client must show a certificate where there is a file of authorities.

        Raises:
            InvalidField: a file is wrong; names the setting.
        """
        tls.check_server()
        self._certificates = Certificates(tls)
        self._given = self._certificates.current()
        self.credentials = grpc.dynamic_ssl_server_credentials(
            _configuration(self._given), self._renewed, require_client_authentication=bool(tls.ca_file)
        )

    def _renewed(self) -> grpc.ServerCertificateConfiguration:
        """Called by gRPC before each handshake, from threads of its own."""
        pems = self._certificates.current()
        if pems is self._given:
            return None  # type: ignore[return-value] # gRPC: no change
        self._given = pems
        return _configuration(pems)


def _configuration(pems: Pems) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pems.key, pems.chain)], pems.authorities or None)
